//! Generates the registration.
//!
//! The generated code names all items by paths through `atevery::__private`, so names of the user's crate cannot shadow
//! the items. Names of locals differ from all names of constants and statics, since macro hygiene does not separate
//! constants and statics.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::annotation::annotation;
use crate::attribute::{Attribute, Interval, Value};
use crate::check::Call;
use crate::function::{Function, borrowed};
use crate::spans;

pub(crate) fn registration(attribute: &Attribute, function: &Function, call: &Call<'_>) -> TokenStream {
    let atevery = &attribute.atevery;
    let conditions = &function.conditions;
    let name = function.name.unraw().to_string();
    let interval = interval(attribute);
    let job = Ident::new("__job", Span::mixed_site());
    let registered = registered(attribute, function, call, &job);
    let tags = tags(attribute);
    quote! {
        #(#conditions)*
        #atevery::__private::submit! {
            #atevery::__private::Registered::new(
                #atevery::__private::module_path!(),
                #name,
                const { #interval },
                |#job| #registered,
            )
            #tags
        }
    }
}

/// Generates the tags of the registration.
fn tags(attribute: &Attribute) -> TokenStream {
    let tags = &attribute.tags;
    if tags.is_empty() {
        return TokenStream::new();
    }
    quote!(.tagged(const { &[#(#tags),*] }))
}

/// Generates the interval, which is checked at compile time. Errors point to the interval in the source.
fn interval(attribute: &Attribute) -> TokenStream {
    let atevery = &attribute.atevery;
    match &attribute.interval {
        Interval::Text(text) => spans::call(quote!(#atevery::__private::literal), text),
        Interval::Constant(expression) => spans::call(quote!(#atevery::__private::constant), expression),
    }
}

/// Generates the evaluation of the arguments, then `run(job.name(..) ..., target)`.
fn registered(attribute: &Attribute, function: &Function, call: &Call<'_>, job: &Ident) -> TokenStream {
    let atevery = &attribute.atevery;
    let locals = locals(call);
    let evaluated = locals
        .iter()
        .zip(&call.arguments)
        .map(|(local, (argument, parameter))| {
            let annotation = annotation(&parameter.ty);
            quote!(let #local #annotation = #argument;)
        });
    let methods = attribute.methods.iter().map(|(method, value)| {
        let value = value.iter().map(|value| match value {
            Value::Expression(expression) => quote!(#expression),
            Value::Text(text) => {
                let duration = spans::call(quote!(#atevery::__private::duration), text);
                quote!(const { #duration })
            }
        });
        quote!(.#method(#(#value)*))
    });
    let overlapping = attribute.methods.iter().any(|(method, _)| method == "on_overlap");
    let run = match (attribute.blocking.is_some(), overlapping) {
        (false, false) => quote!(run),
        (true, false) => quote!(run_blocking),
        (false, true) => quote!(run_overlapping),
        (true, true) => quote!(run_blocking_overlapping),
    };
    let target = target(attribute, function, call, &locals);
    let registered = quote!(#atevery::__private::#run(#job #(#methods)*, #target));
    if locals.is_empty() {
        registered
    } else {
        quote!({ #(#evaluated)* #registered })
    }
}

/// Generates `move |run: Run| function(run, clone of the argument, ..)`, with the span of the function's name. If the
/// function is not a target, the compiler's error points to the function.
fn target(attribute: &Attribute, function: &Function, call: &Call<'_>, locals: &[Ident]) -> TokenStream {
    let atevery = &attribute.atevery;
    let name = &function.name;
    let run = Ident::new("__run", Span::mixed_site());
    let parameter = call.run.map(|_| quote!(#run: #atevery::__private::Run));
    let given = call.run.map(|ty| {
        let borrow = borrowed(ty).map(|_| quote!(&));
        spans::located(quote!(#borrow #run), spans::ends(ty).0)
    });
    let cloned = locals.iter().zip(&call.arguments).map(|(local, (argument, _))| {
        let borrow = spans::spanning(quote!(&), quote!(#local), argument);
        spans::call(quote!(#atevery::__private::argument), &borrow)
    });
    let arguments = given.into_iter().chain(cloned);
    let span = Span::mixed_site().located_at(name.span());
    quote_spanned!(span=> move |#parameter| #name(#(#arguments),*))
}

fn locals(call: &Call<'_>) -> Vec<Ident> {
    (0..call.arguments.len())
        .map(|index| format_ident!("__argument_{index}", span = Span::mixed_site()))
        .collect()
}
