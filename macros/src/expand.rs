//! Generates the registration.
//!
//! The generated code names all items by paths through `atevery::__private`, so names of the user's crate cannot shadow
//! the items. Names of locals differ from all names of constants and statics, since macro hygiene does not separate
//! constants and statics.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;

use crate::annotation::annotation;
use crate::attribute::{Attribute, Schedule, Value};
use crate::check::Call;
use crate::function::{Function, borrowed};
use crate::spans;

pub(crate) fn registration(attribute: &Attribute, function: &Function, call: &Call<'_>) -> TokenStream {
    let atevery = &attribute.atevery;
    let conditions = &function.conditions;
    let name = function.name.unraw().to_string();
    let schedule = schedule(attribute);
    let job = Ident::new("__job", Span::mixed_site());
    let registered = registered(attribute, function, call, &job);
    let tags = tags(attribute);
    quote! {
        #(#conditions)*
        #atevery::__private::submit! {
            #atevery::__private::Registered::new(
                #atevery::__private::module_path!(),
                #name,
                const { #schedule },
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

/// Generates the schedule, which is checked at compile time. Errors point to the text in the source.
fn schedule(attribute: &Attribute) -> TokenStream {
    let private = &attribute.atevery;
    let private = quote!(#private::__private);
    let schedule = match &attribute.schedule {
        Schedule::Interval(text) => {
            let interval = spans::call(quote!(#private::literal), text);
            quote!(#private::Schedule::every(#interval))
        }
        Schedule::Constant(expression) => {
            let interval = spans::call(quote!(#private::constant), expression);
            quote!(#private::Schedule::every(#interval))
        }
        Schedule::Cron(expression) => {
            let expression = spans::call(quote!(#private::expression), expression);
            quote!(#private::Schedule::cron(#expression))
        }
        Schedule::Times(times) => {
            let times = times.iter().map(|time| spans::call(quote!(#private::time), time));
            quote!(#private::Schedule::daily(const { &[#(#times),*] }))
        }
    };
    let options = attribute.schedule_options.iter().map(|(option, value)| {
        let value = value
            .as_ref()
            .map(|value| spans::call(quote!(#private::#option), value));
        quote!(.#option(#value))
    });
    quote!(#schedule #(#options)*)
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
