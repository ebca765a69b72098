//! Writes the registration.
//!
//! Everything is named by its path through `atevery::__private`, so that nothing the user's crate shadows is picked up.
//! The locals have names that no constant or static has: macro hygiene doesn't keep those apart.

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
    let tag = attribute.tag.iter();
    quote! {
        #(#conditions)*
        #atevery::__private::submit! {
            #atevery::__private::Registered::new(
                #atevery::__private::module_path!(),
                #name,
                const { #interval },
                |#job| #registered,
            )
            #(.tagged(#tag))*
        }
    }
}

/// The interval, checked when the user's crate is compiled, with any error at the place where it is written.
fn interval(attribute: &Attribute) -> TokenStream {
    let atevery = &attribute.atevery;
    match &attribute.interval {
        Interval::Text(text) => spans::call(quote!(#atevery::__private::literal), text),
        Interval::Constant(expression) => spans::call(quote!(#atevery::__private::constant), expression),
    }
}

/// Evaluates the arguments, then `run(job.name(..) ..., target)`.
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

/// `move |run: Run| function(run, clone of the argument, ..)`, with the span of the function's name: if this is no
/// target, the function is what to look at.
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
