package standard

import (
	// The NLU components of this binary.
	_ "github.com/parleybot/parley/nlu/classifier/fallback"
	_ "github.com/parleybot/parley/nlu/classifier/keyword"
	_ "github.com/parleybot/parley/nlu/extractor/regex"
	_ "github.com/parleybot/parley/nlu/extractor/synonym"
	_ "github.com/parleybot/parley/nlu/tokenizer/whitespace"
)
