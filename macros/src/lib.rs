//! The attributes `#[every]`, `#[cron]` and `#[daily]` of `atevery`. Use them as [`atevery::every`] and so on; the
//! documentation is there.
//!
//! `attribute` reads the parentheses, and `function` reads the function. `options` is the table of the options. `check`
//! compares the attribute with the function. `expand` generates the registration, with the help of `annotation` and
//! `spans`.
//!
//! [`atevery::every`]: https://docs.rs/atevery/latest/atevery/attr.every.html
#![forbid(unsafe_code)]

mod annotation;
mod attribute;
mod check;
mod expand;
mod function;
mod kind;
mod options;
mod spans;

use proc_macro::TokenStream;

use crate::kind::Kind;

/// Registers the annotated function as a job, see [`atevery::every`].
///
/// [`atevery::every`]: https://docs.rs/atevery/latest/atevery/attr.every.html
#[proc_macro_attribute]
pub fn every(attribute: TokenStream, item: TokenStream) -> TokenStream {
    registered(Kind::Every, attribute, item)
}

/// Registers the annotated function as a job by a cron expression, see [`atevery::cron`].
///
/// [`atevery::cron`]: https://docs.rs/atevery/latest/atevery/attr.cron.html
#[proc_macro_attribute]
pub fn cron(attribute: TokenStream, item: TokenStream) -> TokenStream {
    registered(Kind::Cron, attribute, item)
}

/// Registers the annotated function as a job at times of the day, see [`atevery::daily`].
///
/// [`atevery::daily`]: https://docs.rs/atevery/latest/atevery/attr.daily.html
#[proc_macro_attribute]
pub fn daily(attribute: TokenStream, item: TokenStream) -> TokenStream {
    registered(Kind::Daily, attribute, item)
}

fn registered(kind: Kind, attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    let registration = registration(kind, attribute.into(), item.clone());
    let registration = registration.unwrap_or_else(|error| error.into_compile_error());
    // The registration stands before the function, so several attributes register in the order of the source.
    [registration, item].into_iter().map(TokenStream::from).collect()
}

fn registration(
    kind: Kind,
    attribute: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> syn::Result<proc_macro2::TokenStream> {
    let function = function::Function::read(kind, item)?;
    let attribute = attribute::Attribute::read(kind, attribute)?;
    let call = check::call(&attribute, &function)?;
    Ok(expand::registration(&attribute, &function, &call))
}
