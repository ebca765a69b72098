//! Where the compiler shall point if a piece of the registration doesn't compile.
//!
//! All names are of mixed site: locals of the registration are out of sight for the user's expressions, and lints take
//! the code for what it is, the expansion of a macro.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};

/// `path(expression)`, with the span of the expression from its first token to its last.
pub(crate) fn call(path: TokenStream, expression: &impl ToTokens) -> TokenStream {
    let (first, last) = ends(expression);
    let path = located(path, first);
    let argument = located(quote!((#expression)), last);
    quote!(#path #argument)
}

/// `first last`, which together span what `expression` does.
pub(crate) fn spanning(first: TokenStream, last: TokenStream, expression: &impl ToTokens) -> TokenStream {
    let (begin, end) = ends(expression);
    [located(first, begin), located(last, end)].into_iter().collect()
}

/// `tokens`, those on the outside located at `span`.
pub(crate) fn located(tokens: TokenStream, span: Span) -> TokenStream {
    let span = Span::mixed_site().located_at(span);
    tokens
        .into_iter()
        .map(|mut token| {
            token.set_span(span);
            token
        })
        .collect()
}

/// The spans of the first token and of the last.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}
