//! The type annotation of an argument, made from the type of the parameter.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Type;

/// Returns `: Type`. With the annotation, the compiler reports an argument of the wrong type at the argument.
///
/// A job outlives every borrow except `'static` borrows, so each lifetime in the type becomes `'static`. A type that
/// may bind lifetimes of its own stays unchanged. A type that cannot stand in a `let` gets no annotation.
pub(crate) fn annotation(ty: &Type) -> Option<TokenStream> {
    if matches!(ty, Type::ImplTrait(_)) {
        return None;
    }
    let tokens = ty.to_token_stream();
    let tokens = if binds_lifetimes(tokens.clone()) {
        tokens
    } else {
        with_static_lifetimes(tokens)
    };
    Some(quote!(: #tokens))
}

/// Whether the type contains a `fn(..)`, a `dyn Fn(..)` or a `for<..>`.
fn binds_lifetimes(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "fn" || word == "dyn" || word == "for",
        TokenTree::Group(group) => binds_lifetimes(group.stream()),
        _ => false,
    })
}

/// Turns `&str`, `&'a str` and `&'_ str` into `&'static str`.
fn with_static_lifetimes(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut rewritten = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            token if is_punct(&token, '\'') => {
                tokens.next();
                rewritten.extend(quote!('static));
            }
            token if is_punct(&token, '&') => {
                rewritten.extend([token]);
                if !tokens.peek().is_some_and(|next| is_punct(next, '\'')) {
                    rewritten.extend(quote!('static));
                }
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), with_static_lifetimes(group.stream()));
                inner.set_span(group.span());
                rewritten.extend([TokenTree::Group(inner)]);
            }
            token => rewritten.extend([token]),
        }
    }
    rewritten
}

fn is_punct(token: &TokenTree, mark: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lifetime_becomes_static() {
        for (written, annotated) in [
            ("u8", ": u8"),
            ("&str", ": &'static str"),
            ("&'a [&'_ str]", ": &'static [&'static str]"),
            ("Cow<'_, (&str, u8)>", ": Cow<'static, (&'static str, u8)>"),
        ] {
            assert_same(&annotation(&parse(written)).expect("an annotation"), annotated);
        }
    }

    #[test]
    fn types_that_bind_lifetimes_stay_as_they_are() {
        for written in ["fn(&str) -> &str", "Arc<dyn Fn(&str)>", "for<'a> fn(&'a str)"] {
            assert_same(
                &annotation(&parse(written)).expect("an annotation"),
                &format!(": {written}"),
            );
        }
    }

    #[test]
    fn impl_trait_has_no_annotation() {
        assert!(annotation(&parse("impl Into<String>")).is_none());
    }

    fn parse(written: &str) -> Type {
        syn::parse_str(written).expect("a type")
    }

    fn assert_same(tokens: &TokenStream, written: &str) {
        let without_spaces = |text: &str| text.replace(' ', "");
        assert_eq!(without_spaces(&tokens.to_string()), without_spaces(written));
    }
}
