//! Reads the parentheses of `#[every(...)]`, `#[cron(...)]` and `#[daily(...)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Error, Expr, ExprLit, Ident, Lit, LitStr, Path, Result, Token};

use crate::kind::Kind;
use crate::options::{self, Effect};

pub(crate) struct Attribute {
    pub(crate) kind: Kind,
    pub(crate) schedule: Schedule,
    /// The methods of the schedule to call.
    pub(crate) schedule_options: Vec<(Ident, Option<Expr>)>,
    /// The arguments for the function.
    pub(crate) arguments: Vec<Expr>,
    /// The methods of `JobBuilder` to call, in the order of the source.
    pub(crate) methods: Vec<(Ident, Option<Value>)>,
    pub(crate) tags: Vec<Expr>,
    /// The bare word `blocking`.
    pub(crate) blocking: Option<Ident>,
    /// The path of the crate `atevery`.
    pub(crate) atevery: TokenStream,
}

pub(crate) enum Schedule {
    /// An interval such as `"2s"`, which `parse_interval` reads at compile time.
    Interval(LitStr),
    /// An interval: a constant expression of type `Duration`.
    Constant(Expr),
    /// A cron expression: a constant text.
    Cron(Expr),
    /// Times of the day: constant texts.
    Times(Vec<Expr>),
}

impl Attribute {
    pub(crate) fn read(kind: Kind, tokens: TokenStream) -> Result<Attribute> {
        let read = |input: ParseStream<'_>| read(kind, input);
        read.parse2(tokens)
    }
}

fn read(kind: Kind, input: ParseStream) -> Result<Attribute> {
    let mut options = Options::new(kind);
    let mut positional = Vec::new();
    while !input.is_empty() {
        if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
            options.read_setting(input)?;
        } else if let Some(word) = switch(kind, input)? {
            options.switch(word)?;
        } else {
            positional.push(ungrouped(input.parse()?));
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    let mut positional = positional.into_iter();
    let first = positional.next().ok_or_else(|| no_schedule(kind))?;
    Ok(Attribute {
        kind,
        schedule: Schedule::of(kind, first)?,
        schedule_options: options.schedule_options,
        arguments: positional.collect(),
        methods: options.methods,
        tags: options.tags,
        blocking: options.blocking,
        atevery: options.atevery.map_or_else(|| quote!(::atevery), |path| quote!(#path)),
    })
}

/// Reads a bare word that is an option. Any other word is an expression, and so is the name of an option in
/// parentheses.
fn switch(kind: Kind, input: ParseStream) -> Result<Option<Ident>> {
    let ahead = input.fork();
    let Ok(word) = ahead.call(Ident::parse_any) else {
        return Ok(None);
    };
    if !(ahead.is_empty() || ahead.peek(Token![,])) || options::find(kind, &word.to_string()).is_none() {
        return Ok(None);
    }
    input.call(Ident::parse_any).map(Some)
}

/// Returns the expression without the invisible parentheses of a `macro_rules` variable.
fn ungrouped(expression: Expr) -> Expr {
    match expression {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
    }
}

fn no_schedule(kind: Kind) -> Error {
    let message = match kind {
        Kind::Every => {
            "how often? The first argument is the interval: write `#[every(\"2s\")]`, or a constant of type `Duration`"
        }
        Kind::Cron => "when? The first argument is the cron expression: write `#[cron(\"0 3 * * *\")]`",
        Kind::Daily => {
            "when? The first argument is the time of the day: write `#[daily(\"03:00\")]`, or \
             `#[daily([\"09:00\", \"17:30\"])]`"
        }
    };
    Error::new(Span::call_site(), message)
}

impl Schedule {
    fn of(kind: Kind, first: Expr) -> Result<Schedule> {
        match (kind, first) {
            (Kind::Every, first) => Schedule::of_interval(first),
            (Kind::Cron, first) => Ok(Schedule::Cron(text(first, "0 3 * * *")?)),
            (Kind::Daily, Expr::Array(times)) if times.elems.is_empty() => Err(Error::new_spanned(
                times,
                "no time, no job: write at least one time of the day, such as `[\"03:00\"]`",
            )),
            (Kind::Daily, Expr::Array(times)) => {
                let times = times.elems.into_iter().map(|time| text(ungrouped(time), "03:00"));
                times.collect::<Result<_>>().map(Schedule::Times)
            }
            (Kind::Daily, time) => Ok(Schedule::Times(vec![text(time, "03:00")?])),
        }
    }

    fn of_interval(expression: Expr) -> Result<Schedule> {
        let Expr::Lit(literal) = &expression else {
            return Ok(Schedule::Constant(expression));
        };
        match &literal.lit {
            Lit::Str(text) => Ok(Schedule::Interval(text.clone())),
            Lit::Int(number) => Err(Error::new_spanned(
                number,
                format!(
                    "an interval needs a unit: write \"{0}s\" for {0} seconds, or a constant of type `Duration`",
                    number.base10_digits()
                ),
            )),
            other => Err(Error::new_spanned(
                other,
                "this is no interval: write a string such as \"2s\" or \"1m 30s\", or a constant of type `Duration`",
            )),
        }
    }
}

/// Refuses a literal that is no text.
fn text(expression: Expr, example: &str) -> Result<Expr> {
    match &expression {
        Expr::Lit(literal) if !matches!(literal.lit, Lit::Str(_)) => Err(Error::new_spanned(
            literal,
            format!("this is no text: write a string such as \"{example}\", or a constant of type `&str`"),
        )),
        _ => Ok(expression),
    }
}

/// The value of an option.
pub(crate) enum Value {
    Expression(Expr),
    /// A length of time such as `"2s"`.
    Text(LitStr),
}

impl Value {
    fn duration(expression: Expr) -> Value {
        match ungrouped(expression) {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text), ..
            }) => Value::Text(text),
            other => Value::Expression(other),
        }
    }
}

struct Options {
    kind: Kind,
    seen: Vec<String>,
    schedule_options: Vec<(Ident, Option<Expr>)>,
    methods: Vec<(Ident, Option<Value>)>,
    tags: Vec<Expr>,
    blocking: Option<Ident>,
    atevery: Option<Path>,
}

impl Options {
    fn new(kind: Kind) -> Options {
        Options {
            kind,
            seen: Vec::new(),
            schedule_options: Vec::new(),
            methods: Vec::new(),
            tags: Vec::new(),
            blocking: None,
            atevery: None,
        }
    }

    /// Reads `key = value`.
    fn read_setting(&mut self, input: ParseStream) -> Result<()> {
        let key = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        match self.effect(&key)? {
            Effect::Method => self.methods.push((key, Some(Value::Expression(input.parse()?)))),
            Effect::Duration => self.methods.push((key, Some(Value::duration(input.parse()?)))),
            Effect::Schedule => self.schedule_options.push((key, Some(input.parse()?))),
            Effect::Tag => self.tags.push(input.parse()?),
            Effect::Crate => self.atevery = Some(input.call(Path::parse_mod_style)?),
            Effect::Switch | Effect::ScheduleSwitch | Effect::Blocking => {
                let message = format!("`{key}` has no value: write the bare word `{key}`");
                return Err(Error::new_spanned(key, message));
            }
        }
        Ok(())
    }

    /// Applies a bare word.
    fn switch(&mut self, word: Ident) -> Result<()> {
        match self.effect(&word)? {
            Effect::Blocking => self.blocking = Some(word),
            Effect::Switch => self.methods.push((word, None)),
            Effect::ScheduleSwitch => self.schedule_options.push((word, None)),
            effect => {
                let usage = options::usage(&word.to_string(), effect);
                return Err(Error::new_spanned(
                    &word,
                    format!("`{word}` needs a value: write {usage}"),
                ));
            }
        }
        Ok(())
    }

    fn effect(&mut self, word: &Ident) -> Result<Effect> {
        let name = word.unraw().to_string();
        let effect = options::find(self.kind, &name);
        let effect = effect.ok_or_else(|| Error::new_spanned(word, options::unknown(self.kind, &name)))?;
        if effect != Effect::Tag && self.seen.contains(&name) {
            return Err(Error::new_spanned(word, format!("`{name}` is given twice: remove one")));
        }
        self.seen.push(name);
        Ok(effect)
    }
}
