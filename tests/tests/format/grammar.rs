//! The grammar of schemas in the page.

use std::collections::BTreeSet;

use shared_value::DynLayout;

use crate::ebnf::Grammar;
use crate::page;
use crate::samples;

fn grammar() -> Grammar {
    Grammar::parse(page::block("ebnf"))
}

/// Whether the library reads the schema.
fn is_read(schema: &str) -> bool {
    DynLayout::parse(schema).is_ok()
}

/// If the grammar were incomplete, a reader that follows the page would refuse values of the library.
#[test]
fn the_grammar_reads_every_schema_that_is_written() {
    let grammar = grammar();
    let schemas = samples::schemas();
    assert!(schemas.len() > 95, "{} schemas", schemas.len());
    for schema in schemas {
        assert!(grammar.accepts("schema", &schema), "the grammar refuses\n{schema}");
        assert!(is_read(&schema), "the library refuses\n{schema}");
    }
}

/// The page must describe whatever the library reads, and not only the types of the samples.
///
/// The library takes any text for a typecode, so the samples that have one are left out.
#[test]
fn the_grammar_reads_what_the_library_reads() {
    const SNIPPETS: [&str; 30] = [
        "[",
        "]",
        "; 9]",
        "; 0]",
        "\n",
        "\r",
        " @8",
        "@",
        "atomic ",
        "FixedStr<1>",
        "bytes<4, align 2>",
        "-",
        "(",
        ")",
        "[]",
        "0",
        "7",
        ".",
        "_",
        " ",
        ": ",
        "=",
        ", ",
        "é",
        "\u{2028}",
        "\u{300}",
        "u8",
        "NonZero",
        "Option<",
        ">",
    ];
    let grammar = grammar();
    let (mut read, mut made) = (0, 0);
    let mut check = |schema: String| {
        made += 1;
        // Only these need the slow interpreter.
        if is_read(&schema) {
            read += 1;
            assert!(grammar.accepts("schema", &schema), "the grammar refuses\n{schema}");
        }
    };
    let schemas = BTreeSet::from_iter(samples::schemas());
    for schema in schemas.iter().filter(|schema| !schema.contains(" as ") && schema.len() < 140) {
        let starts = || schema.char_indices().map(|(start, _)| start);
        for start in starts() {
            let (before, after) = schema.split_at(start);
            let length = after.chars().next().map_or(0, char::len_utf8);
            check(format!("{before}{}", &after[length..]));
            for snippet in SNIPPETS.iter().skip(start % 3).step_by(3) {
                check(format!("{before}{snippet}{after}"));
                check(format!("{before}{snippet}{}", &after[length..]));
            }
        }
        // Lines that are left out, doubled, or in another order.
        let lines: Vec<_> = schema.split_inclusive('\n').collect();
        for number in 0..lines.len() {
            let (before, after) = (lines[..number].concat(), lines[number + 1..].concat());
            check(format!("{before}{after}"));
            check(format!("{before}{0}{0}{after}", lines[number]));
            check(format!("{}{before}{after}", lines[number]));
        }
    }
    assert!(read > 500 && made > 50_000, "{read} of {made} were read");
}

/// If the grammar accepted every text, it would describe nothing.
#[test]
fn broken_schemas_are_refused_by_the_grammar_and_by_the_library() {
    let grammar = grammar();
    let typed = |head: &str| format!("{head}\n{head}: 4 bytes, align 4\nlittle-endian\n");
    let field = |line: &str| format!("S\n{line}\nS: 8 bytes, align 8\nlittle-endian\n");
    for (broken, whole) in [
        // The ends of lines and of the text.
        ("", typed("u32")),
        ("u32\nu32: 4 bytes, align 4\nlittle-endian", typed("u32")),
        ("u32\nu32: 4 bytes, align 4\n", typed("u32")),
        ("u32\r\nu32: 4 bytes, align 4\r\nlittle-endian\r\n", typed("u32")),
        ("u32\nu32: 4 bytes, align 4\nmiddle-endian\n", typed("u32")),
        ("u32\nu32: 4 bytes, align 4\nlittle-endian\n\n", typed("u32")),
        ("u32\nu32: 4 bytes; align 4\nlittle-endian\n", typed("u32")),
        ("u32\nu32: 04 bytes, align 4\nlittle-endian\n", typed("u32")),
        (
            "[u32]\n[u32]: 4 bytes, each, align 4\nlittle-endian\n",
            "[u32]\n[u32]: 4 bytes each, align 4\nlittle-endian\n".into(),
        ),
        // Types.
        (&typed("[u32; 0]"), typed("[u32; 1]")),
        (&typed("[u32; 01]"), typed("[u32; 1]")),
        (&typed("[u32;1]"), typed("[u32; 1]")),
        (&typed("[[u32]; 1]"), typed("[[u32; 1]; 1]")),
        (&typed("Option<u32>"), typed("Option<NonZeroU32>")),
        (&typed("Option<Option<NonZeroU32>>"), typed("Option<NonZeroU32>")),
        (&typed("FixedStr<0>").replace("align 4", "align 1"), typed("FixedStr<4>").replace("align 4", "align 1")),
        (&typed("FixedStr<-4>").replace("align 4", "align 1"), typed("FixedStr<4>").replace("align 4", "align 1")),
        (&typed("Reserved<0>").replace("align 4", "align 1"), typed("Reserved<4>").replace("align 4", "align 1")),
        (
            &typed("Reserved<4, align 1>").replace("align 4", "align 1"),
            typed("Reserved<4>").replace("align 4", "align 1"),
        ),
        (
            &field("a: u64 @0").replace("align 8", "align 8 evolves"),
            field("a: u64 @0").replace("align 8", "align 8, evolves"),
        ),
        (
            &field("a: u64 @0").replace("align 8", "align 8, evolved"),
            field("a: u64 @0").replace("align 8", "align 8, evolves"),
        ),
        (&typed("bytes<4,align 4>"), typed("bytes<4, align 4>")),
        (&typed("bytes<4>"), typed("bytes<4, align 4>")),
        (&typed("E(u32: )"), typed("E(u32: A=0)")),
        (&typed("E(u32:A=0)"), typed("E(u32: A=0)")),
        (&typed("E(u32: A=0,B=1)"), typed("E(u32: A=0, B=1)")),
        (&typed("E(u32: A=0, )"), typed("E(u32: A=0)")),
        (&typed("E(u32: A)"), typed("E(u32: A=0)")),
        (&typed("E(u32: A=+1)"), typed("E(u32: A=1)")),
        (&typed("E(i32: A=-0)"), typed("E(i32: A=0)")),
        (&typed("E(i32: A=--1)"), typed("E(i32: A=-1)")),
        (&typed("E(f32: A=0)"), typed("E(u32: A=0)")),
        (&typed("E(NonZeroU32: A=1)"), typed("E(u32: A=1)")),
        (&typed("M(u32"), typed("M(u32)")),
        (&typed("M()"), typed("M(u32)")),
        (&typed("(u32)"), typed("M(u32)")),
        (&typed("a::M(u32)"), typed("M(u32)")),
        // Fields.
        (&field("a: u64"), field("a: u64 @0")),
        (&field("a: u64 @"), field("a: u64 @0")),
        (&field("a: u64 @-0"), field("a: u64 @0")),
        (&field("a: u64 @00"), field("a: u64 @0")),
        (&field("a:u64 @0"), field("a: u64 @0")),
        (&field(": u64 @0"), field("a: u64 @0")),
        (&field("a b: u64 @0"), field("ab: u64 @0")),
        (&field(".a: u64 @0"), field("a: u64 @0")),
        (&field("r#fn: u64 @0"), field("fn: u64 @0")),
        (&field("a: [u64] @0"), field("a: [u64; 1] @0")),
        (&field("a: atomic f32 @0"), field("a: atomic f64 @0")),
        (&field("a: atomic usize @0"), field("a: atomic u64 @0")),
        (&field("a: atomic u8 @0"), field("a: atomic bool @0")),
        (&field("a: atomic NonZeroU64 @0"), field("a: atomic i64 @0")),
        (&field("a: atomic atomic u64 @0"), field("a: atomic u64 @0")),
        (&field("a: [atomic u64; 1] @0"), field("a: atomic [u64; 1] @0")),
        (&field("a: atomic [u64; 0] @0"), field("a: atomic [u64; 1] @0")),
        (&field("a: atomic [[u64; 1]; 1] @0"), field("a: [[u64; 1]; 1] @0")),
        (&field("a: atomic [u32; 2] @0"), field("a: atomic [bool; 2] @0")),
        (&field("a: atomic M(u64) @0"), field("a: M(u64) @0")),
        (&field("a: u64 as <Q @0"), field("a: bytes<8, align 8> as <Q @0")),
        (&field("a: as <Q @0"), field("a: bytes<8, align 8> as <Q @0")),
    ] {
        assert!(grammar.accepts("schema", &whole) && is_read(&whole), "the cure is refused:\n{whole}");
        assert!(!grammar.accepts("schema", broken), "the grammar reads\n{broken}");
        assert!(!is_read(broken), "the library reads\n{broken}");
    }
}

/// If the library did not check one of the rules that the page lists below the grammar, the page would promise too much.
#[test]
fn what_the_grammar_cannot_say_the_library_checks() {
    let grammar = grammar();
    for schema in [
        // Paths, places and sizes.
        "S\nb: T @0\nc.x: u8 @0\nb: 1 bytes, align 1\nS: 1 bytes, align 1\n",
        "S\nb: [T; 2] @0\nb.x: u8 @0\nb: 1 bytes, align 1\nS: 2 bytes, align 1\n",
        "S\nb: T @8\nb.x: u8 @7\nb: 1 bytes, align 1\nS: 9 bytes, align 1\n",
        "u32\nu32: 8 bytes, align 4\n",
        "[u32]\n[u32]: 8 bytes each, align 4\n",
        "Point\nPoint: 8 bytes, align 4\n",
        // Fields.
        "S\na: u64 @0\nb: u8 @7\nS: 16 bytes, align 8\n",
        "S\na: u64 @0\nb: u64 @8\nS: 8 bytes, align 8\n",
        "S\na: u32 @2\nS: 8 bytes, align 4\n",
        "S\na: u8 @0\na: u8 @1\nS: 2 bytes, align 1\n",
        // Alignments and sizes.
        "S\na: u8 @0\nS: 3 bytes, align 3\n",
        "S\na: u64 @0\nS: 8 bytes, align 4\n",
        "S\na: u32 @0\nS: 6 bytes, align 4\n",
        "[u64; 2305843009213693951]\n[u64; 2305843009213693951]: 18446744073709551608 bytes, align 8\n",
        // Atomic fields.
        "S\na: atomic u64 @0\na.b: u64 @0\na: 8 bytes, align 8\nS: 8 bytes, align 8\n",
        // Reserved bytes.
        "S\na: Reserved<8> @0\nS: 8 bytes, align 1\n",
        "S\na: [Reserved<4>; 2] @0\nS: 8 bytes, align 1\n",
        // Enums.
        "E(u8: A=256)\nE(u8: A=256): 1 bytes, align 1\n",
        "E(u8: A=-1)\nE(u8: A=-1): 1 bytes, align 1\n",
        "E(u8: A=0, A=1)\nE(u8: A=0, A=1): 1 bytes, align 1\n",
        "E(u8: A=0, B=0)\nE(u8: A=0, B=0): 1 bytes, align 1\n",
    ] {
        let schema = format!("{schema}little-endian\n");
        assert!(grammar.accepts("schema", &schema), "the grammar refuses\n{schema}");
        assert!(!is_read(&schema), "the library reads\n{schema}");
    }
    let foreign = "u32\nu32: 4 bytes, align 4\nbig-endian\n";
    assert!(grammar.accepts("schema", foreign) && !is_read(foreign));
}

/// If the grammar accepted every text as a typecode, it would not describe typecodes.
#[test]
fn broken_typecodes_are_refused() {
    let grammar = grammar();
    for typecode in
        ["<f", "(3)<f", "<3f", "<(3)f", "(2,3)<2d", "T{}", "T{<f:x:B:y:3xT{<q::}:a:}", "(4)T{B}", "16s", "?"]
    {
        assert!(grammar.accepts("typecode", typecode), "{typecode}");
    }
    for typecode in
        ["", "<", "<<f", "(3)<<f", "(3)", "()<f", "(3<f", "(3,)<f", "f<", "=f", "T<f", "T{<f:x:", "T{<f:x}", "z", "3"]
    {
        assert!(!grammar.accepts("typecode", typecode), "{typecode}");
    }
}
