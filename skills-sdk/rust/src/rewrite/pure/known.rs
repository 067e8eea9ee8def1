//! What is known of the languages and their standard libraries.

use crate::rewrite::Language;

/// Lists of one language. What is on none of them is not known.
pub struct Known {
    /// Kinds of nodes that are parts of expressions.
    pub expressions: &'static [&'static str],
    /// Kinds of nodes that are parts of statements.
    pub statements: &'static [&'static str],
    /// Functions without effects whose results depend on their arguments alone, by what imports say; and beginnings that end in `*`.
    pub functions: &'static [&'static str],
    /// Values of libraries that never change, in the same way.
    pub values: &'static [&'static str],
    /// Names that stand for values everywhere.
    pub variants: &'static [&'static str],
    /// Methods that have no effect, whatever has them: nobody gives these names to anything else.
    pub methods: &'static [&'static str],
    /// Methods that have no effect on numbers, texts and collections; others may have some of the same name.
    pub plain_methods: &'static [&'static str],
    /// Methods that change a collection.
    pub mutators: &'static [&'static str],
    /// Kinds of nodes that make a collection.
    pub new_kinds: &'static [&'static str],
    /// Functions and macros that make one.
    pub new_calls: &'static [&'static str],
    /// Macros that make texts and lists, or end the program.
    pub macros: &'static [&'static str],
    /// Arguments that are functions.
    pub callables: &'static [&'static str],
}

impl Known {
    /// Whether a function is known to be without effects.
    pub fn is_function(&self, path: &str) -> bool {
        holds(self.functions, path)
    }

    /// Whether a value is known to stay as it is.
    pub fn is_value(&self, path: &str) -> bool {
        holds(self.values, path)
    }
}

fn holds(list: &[&str], path: &str) -> bool {
    list.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => *known == path,
    })
}

/// The lists of a language.
pub fn of(language: Language) -> &'static Known {
    match language {
        Language::Rust => &RUST,
        Language::Python => &PYTHON,
        Language::Go => &GO,
    }
}

#[rustfmt::skip]
static PYTHON: Known = Known {
    expressions: &[
        "identifier", "integer", "float", "string", "string_start", "string_content", "string_end", "escape_sequence",
        "escape_interpolation", "interpolation", "format_specifier", "format_expression", "type_conversion", "concatenated_string",
        "true", "false", "none", "tuple", "list", "set", "dictionary", "pair", "attribute", "subscript", "slice", "binary_operator",
        "unary_operator", "boolean_operator", "not_operator", "comparison_operator", "conditional_expression",
        "parenthesized_expression", "expression_list", "list_comprehension", "set_comprehension", "dictionary_comprehension",
        "generator_expression", "for_in_clause", "if_clause", "lambda", "lambda_parameters", "argument_list", "keyword_argument",
        "list_splat", "dictionary_splat", "pattern_list", "tuple_pattern", "list_pattern", "call",
    ],
    statements: &[
        "block", "expression_statement", "assignment", "augmented_assignment", "if_statement", "elif_clause", "else_clause",
        "for_statement", "while_statement", "return_statement", "pass_statement", "break_statement", "continue_statement",
        "raise_statement", "assert_statement", "type", "generic_type", "type_parameter",
    ],
    functions: &[
        "len", "str", "int", "float", "bool", "abs", "min", "max", "sum", "sorted", "round", "range", "enumerate", "zip", "reversed",
        "tuple", "list", "set", "dict", "frozenset", "repr", "ord", "chr", "hex", "bin", "oct", "divmod", "pow", "all", "any",
        "isinstance", "bytes", "ValueError", "TypeError", "KeyError", "IndexError", "ArithmeticError", "ZeroDivisionError",
        "math.*", "json.dumps", "re.sub", "re.match", "re.search", "re.fullmatch", "re.split", "re.findall", "re.escape",
        "hashlib.md5", "hashlib.sha1", "hashlib.sha224", "hashlib.sha256", "hashlib.sha384", "hashlib.sha512", "hashlib.blake2b",
        "hashlib.blake2s", "zlib.crc32", "zlib.adler32", "base64.b64encode", "base64.urlsafe_b64encode", "binascii.hexlify",
        "urllib.parse.quote", "urllib.parse.quote_plus", "urllib.parse.unquote", "urllib.parse.urlencode", "html.escape",
        "html.unescape", "unicodedata.normalize", "textwrap.dedent", "textwrap.shorten", "textwrap.fill", "statistics.mean",
        "statistics.median", "os.path.join", "os.path.basename", "os.path.dirname", "os.path.splitext", "posixpath.join",
        "pprint.pformat", "operator.itemgetter", "operator.attrgetter",
    ],
    values: &["math.*", "string.*", "re.I", "re.IGNORECASE", "re.M", "re.MULTILINE", "re.S", "re.DOTALL", "re.X", "re.VERBOSE"],
    variants: &["__name__", "str", "int", "float", "bool", "bytes", "tuple", "list", "dict", "set", "frozenset", "object"],
    methods: &[
        "lower", "upper", "strip", "lstrip", "rstrip", "splitlines", "startswith", "endswith", "format", "title", "capitalize",
        "casefold", "zfill", "ljust", "rjust", "isdigit", "isalpha", "isalnum", "isspace", "isupper", "islower", "rsplit",
        "rpartition", "removeprefix", "removesuffix", "hexdigest", "bit_length", "isoformat", "total_seconds", "strftime",
        "model_dump_json", "_asdict", "keys", "values", "items",
    ],
    plain_methods: &[
        "split", "replace", "join", "find", "rfind", "index", "rindex", "count", "encode", "decode", "center", "partition",
        "translate", "get", "copy", "digest", "match", "search", "fullmatch", "findall", "sub", "group", "groups", "union",
        "intersection", "difference", "issubset", "issuperset", "isdecimal", "isnumeric", "swapcase", "expandtabs", "hex",
    ],
    mutators: &[
        "append", "extend", "add", "update", "insert", "pop", "sort", "setdefault", "discard", "remove", "reverse", "clear",
    ],
    new_kinds: &[
        "list", "dictionary", "set", "list_comprehension", "set_comprehension", "dictionary_comprehension",
    ],
    new_calls: &["list", "dict", "set", "sorted", "bytearray"],
    macros: &[],
    callables: &["key", "default", "object_hook", "cls"],
};

#[rustfmt::skip]
static RUST: Known = Known {
    expressions: &[
        "identifier", "integer_literal", "float_literal", "string_literal", "raw_string_literal", "string_content", "escape_sequence",
        "char_literal", "boolean_literal", "negative_literal", "call_expression", "arguments", "field_expression",
        "field_identifier", "binary_expression", "unary_expression", "parenthesized_expression", "reference_expression",
        "index_expression", "tuple_expression", "array_expression", "range_expression", "type_cast_expression", "primitive_type",
        "type_identifier", "reference_type", "generic_type", "type_arguments", "generic_function", "scoped_identifier",
        "scoped_type_identifier", "array_type", "tuple_type", "closure_expression", "closure_parameters", "parameter",
        "macro_invocation", "token_tree", "lifetime", "inner_doc_comment_marker", "outer_doc_comment_marker", "doc_comment",
        "bracketed_type", "self",
    ],
    statements: &[
        "block", "let_declaration", "mutable_specifier", "expression_statement", "if_expression", "else_clause", "let_condition",
        "let_chain", "match_expression", "match_block", "match_arm", "match_pattern", "for_expression", "while_expression",
        "loop_expression", "return_expression", "break_expression", "continue_expression", "assignment_expression",
        "compound_assignment_expr", "tuple_pattern", "tuple_struct_pattern", "reference_pattern", "mut_pattern", "or_pattern",
        "range_pattern", "ref_pattern",
    ],
    functions: &[
        "Some", "Ok", "Err", "String::from", "String::new", "String::with_capacity", "Vec::new", "Vec::with_capacity", "u8::from",
        "u16::from", "u32::from", "u64::from", "u128::from", "usize::from", "i8::from", "i16::from", "i32::from", "i64::from",
        "i128::from", "f32::from", "f64::from", "char::from", "usize::try_from", "u32::try_from", "u64::try_from", "i64::try_from",
        "char::from_u32", "char::from_digit", "std::cmp::max", "std::cmp::min", "std::iter::repeat", "std::iter::once",
        "std::collections::HashMap::new", "std::collections::BTreeMap::new", "std::collections::HashSet::new",
        "std::collections::BTreeSet::new", "serde_json::to_string", "serde_json::to_value",
    ],
    values: &["std::f64::consts::*", "std::f32::consts::*"],
    variants: &["None", "Some", "Ok", "Err"],
    methods: &[
        "len", "is_empty", "chars", "bytes", "char_indices", "trim", "trim_start", "trim_end", "to_string", "to_owned",
        "to_lowercase", "to_uppercase", "to_ascii_lowercase", "to_ascii_uppercase", "starts_with", "ends_with", "as_str",
        "as_bytes", "as_ref", "clone", "iter", "is_some", "is_none", "is_ok", "is_err", "unwrap_or_default", "display",
        "elapsed", "as_millis", "as_secs", "as_secs_f64", "to_vec", "as_deref", "id", "abs",
    ],
    plain_methods: &[
        "contains", "find", "rfind", "replace", "parse", "unwrap", "unwrap_or", "unwrap_or_else", "expect", "ok", "map", "and_then",
        "filter", "filter_map", "flat_map", "fold", "sum", "product", "count", "min", "max", "into_iter", "rev", "enumerate", "zip",
        "skip", "take", "take_while", "skip_while", "step_by", "collect", "any", "all", "position", "nth", "last", "cloned",
        "copied", "lines", "split", "split_whitespace", "splitn", "rsplit", "split_once", "trim_matches", "trim_start_matches",
        "trim_end_matches", "strip_prefix", "strip_suffix", "pow", "powi", "powf", "sqrt", "floor", "ceil", "round", "trunc",
        "exp", "ln", "log2", "log10", "sin", "cos", "tan", "atan2", "hypot", "clamp", "wrapping_add", "wrapping_mul",
        "wrapping_sub", "checked_add", "checked_sub", "checked_mul", "checked_div", "saturating_add", "saturating_sub",
        "saturating_mul", "rotate_left", "rotate_right", "count_ones", "leading_zeros", "trailing_zeros", "rem_euclid",
        "div_euclid", "abs_diff", "is_alphabetic", "is_alphanumeric", "is_numeric", "is_whitespace", "is_uppercase",
        "is_lowercase", "is_ascii_digit", "is_ascii_alphabetic", "is_ascii_alphanumeric", "to_digit", "eq", "cmp", "partial_cmp",
        "eq_ignore_ascii_case", "get", "first", "repeat", "chunks", "windows", "concat", "join", "is_power_of_two", "signum",
        "peekable", "chain", "min_by_key", "max_by_key", "is_multiple_of", "into_bytes", "then_some", "then", "unwrap_or_default",
    ],
    mutators: &["push", "push_str", "insert", "extend", "sort", "sort_unstable", "dedup", "reverse", "truncate", "pop", "clear", "remove"],
    new_kinds: &["array_expression"],
    new_calls: &["Vec::new", "Vec::with_capacity", "String::new", "String::with_capacity", "vec", "HashMap::new", "BTreeMap::new",
        "HashSet::new", "BTreeSet::new"],
    macros: &["format", "vec", "matches", "assert", "assert_eq", "assert_ne", "debug_assert", "debug_assert_eq", "unreachable", "panic"],
    callables: &[],
};

#[rustfmt::skip]
static GO: Known = Known {
    expressions: &[
        "identifier", "int_literal", "float_literal", "rune_literal", "interpreted_string_literal", "raw_string_literal",
        "interpreted_string_literal_content", "raw_string_literal_content", "escape_sequence", "true", "false", "nil",
        "selector_expression", "field_identifier", "call_expression", "argument_list", "binary_expression", "unary_expression",
        "parenthesized_expression", "index_expression", "slice_expression", "composite_literal", "literal_value", "keyed_element",
        "literal_element", "expression_list", "type_identifier", "slice_type", "array_type", "map_type", "qualified_type",
        "package_identifier", "type_conversion_expression", "implicit_length_array_type",
    ],
    statements: &[
        "block", "statement_list", "short_var_declaration", "var_declaration", "var_spec", "assignment_statement", "inc_statement",
        "dec_statement", "if_statement", "for_statement", "for_clause", "range_clause", "return_statement", "break_statement",
        "continue_statement", "expression_statement", "expression_switch_statement", "expression_case", "default_case", "var_spec_list",
    ],
    functions: &[
        "len", "cap", "min", "max", "make", "append", "panic", "string", "int", "int8", "int16", "int32", "int64", "uint",
        "uint8", "uint16", "uint32", "uint64", "float32", "float64", "byte", "rune", "strings.*", "strconv.*", "math.*",
        "math/bits.*", "unicode.*", "unicode/utf8.*", "fmt.Sprintf", "fmt.Sprint", "fmt.Sprintln", "path.Join", "path.Base",
        "path.Dir", "path.Ext", "sort.SearchInts", "encoding/hex.EncodeToString", "crypto/sha256.Sum256", "crypto/sha1.Sum",
        "crypto/md5.Sum", "hash/crc32.ChecksumIEEE", "net/url.QueryEscape", "net/url.PathEscape", "html.EscapeString",
        "encoding/json.Marshal",
    ],
    values: &["math.*", "unicode.*", "time.Nanosecond", "time.Microsecond", "time.Millisecond", "time.Second", "time.Minute", "time.Hour"],
    variants: &["byte", "rune", "string", "int", "int64", "float64", "uint64"],
    methods: &["String", "Error", "Len", "Seconds", "Milliseconds"],
    plain_methods: &["Bytes", "Unix", "UnixNano"],
    mutators: &["WriteString", "WriteByte", "WriteRune"],
    new_kinds: &["composite_literal"],
    new_calls: &["make"],
    macros: &[],
    callables: &[],
};
