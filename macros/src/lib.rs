//! The attribute of `atevery`; use it through `atevery::every`.
