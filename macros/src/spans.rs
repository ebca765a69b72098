//! Spans: where the compiler points if a part of the registration does not compile.
//!
//! All names have mixed-site hygiene. The user's expressions cannot see locals of the registration, and lints treat the
//! code as the expansion of a macro.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};

/// Returns `path(expression)`, with the span of the whole expression.
pub(crate) fn call(path: TokenStream, expression: &impl ToTokens) -> TokenStream {
    let (first, last) = ends(expression);
    let path = located(path, first);
    let argument = located(quote!((#expression)), last);
    quote!(#path #argument)
}

/// Returns `first last`, with the span of `expression`.
pub(crate) fn spanning(first: TokenStream, last: TokenStream, expression: &impl ToTokens) -> TokenStream {
    let (begin, end) = ends(expression);
    [located(first, begin), located(last, end)].into_iter().collect()
}

/// Returns `tokens`, with the outermost tokens located at `span`.
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

/// Returns the spans of the first token and of the last token.
pub(crate) fn ends(tokens: &impl ToTokens) -> (Span, Span) {
    let mut spans = tokens.to_token_stream().into_iter().map(|token| token.span());
    let first = spans.next().unwrap_or_else(Span::call_site);
    (first, spans.last().unwrap_or(first))
}
