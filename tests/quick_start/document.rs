//! The document's code blocks, taken one after the other so that none is passed over.

use std::collections::VecDeque;
use std::path::PathBuf;

pub fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the repository").to_path_buf()
}

struct Block {
    heading: String,
    language: String,
    text: String,
}

pub struct Document(VecDeque<Block>);

impl Document {
    /// The document of that name in the repository.
    pub fn open(name: &str) -> Self {
        let text = std::fs::read_to_string(repository().join(name)).expect("the document");
        let mut blocks = VecDeque::new();
        let mut heading = String::new();
        let mut open: Option<Block> = None;
        for line in text.lines() {
            match (line.strip_prefix("```"), open.take()) {
                (Some(_), Some(block)) => blocks.push_back(block),
                (Some(language), None) => {
                    let (heading, language) = (heading.clone(), language.to_owned());
                    open = Some(Block { heading, language, text: String::new() });
                }
                (None, Some(mut block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                    open = Some(block);
                }
                (None, None) => {
                    if let Some(title) = line.strip_prefix('#') {
                        heading = title.trim_start_matches('#').trim().to_owned();
                    }
                }
            }
        }
        Self(blocks)
    }

    /// The next block, which must stand under this heading and be in this language.
    #[track_caller]
    pub fn next(&mut self, heading: &str, language: &str) -> String {
        let block = self.0.pop_front().expect("the document goes on");
        assert_eq!((block.heading.as_str(), block.language.as_str()), (heading, language));
        block.text
    }

    /// The next block under this heading and in this language; what comes before it is passed over.
    #[track_caller]
    pub fn find(&mut self, heading: &str, language: &str) -> String {
        let wanted = |block: &Block| block.heading == heading && block.language == language;
        let at = self.0.iter().position(wanted).unwrap_or_else(|| panic!("no {language} under {heading}"));
        self.0.drain(..at);
        self.next(heading, language)
    }

    #[track_caller]
    pub fn assert_at_the_end(&self) {
        let left: Vec<&str> = self.0.iter().map(|block| block.text.as_str()).collect();
        assert!(left.is_empty(), "blocks that nothing has run: {left:?}");
    }
}

/// Puts ours where the document leaves something to the reader; which must be there.
#[track_caller]
pub fn put(text: &str, documented: &str, ours: &str) -> String {
    assert!(text.contains(documented), "the document no longer says {documented}: {text}");
    text.replace(documented, ours)
}
