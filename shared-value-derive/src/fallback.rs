use proc_macro2::TokenStream;

use crate::model::Input;

pub(crate) fn expand(_input: &Input, errors: &syn::Error) -> TokenStream {
    errors.to_compile_error()
}
