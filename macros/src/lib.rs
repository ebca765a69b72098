//! The `#[every]` attribute of `atevery`. Use the attribute as [`atevery::every`]; the documentation is there.
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
mod options;
mod spans;

use proc_macro::TokenStream;

/// Registers the annotated function as a job, see [`atevery::every`].
///
/// [`atevery::every`]: https://docs.rs/atevery/latest/atevery/attr.every.html
#[proc_macro_attribute]
pub fn every(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    let registration = registration(attribute.into(), item.clone()).unwrap_or_else(|error| error.into_compile_error());
    // The registration stands before the function, so several attributes register in the order of the source.
    [registration, item].into_iter().map(TokenStream::from).collect()
}

fn registration(
    attribute: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> syn::Result<proc_macro2::TokenStream> {
    let function = function::Function::read(item)?;
    let attribute = attribute::Attribute::read(attribute)?;
    let call = check::call(&attribute, &function)?;
    Ok(expand::registration(&attribute, &function, &call))
}
