package standard

import (
	// The NLU components of this binary.
	_ "github.com/parleybot/parley/nlu/classifier/diet"
	_ "github.com/parleybot/parley/nlu/classifier/fallback"
	_ "github.com/parleybot/parley/nlu/classifier/keyword"
	_ "github.com/parleybot/parley/nlu/classifier/logisticregression"
	_ "github.com/parleybot/parley/nlu/classifier/sklearn"
	_ "github.com/parleybot/parley/nlu/extractor/crf"
	_ "github.com/parleybot/parley/nlu/extractor/duckling"
	_ "github.com/parleybot/parley/nlu/extractor/regex"
	_ "github.com/parleybot/parley/nlu/extractor/synonym"
	_ "github.com/parleybot/parley/nlu/featurizer/countvectors"
	_ "github.com/parleybot/parley/nlu/featurizer/languagemodel"
	_ "github.com/parleybot/parley/nlu/featurizer/lexicalsyntactic"
	_ "github.com/parleybot/parley/nlu/featurizer/regex"
	_ "github.com/parleybot/parley/nlu/selector/response"
	_ "github.com/parleybot/parley/nlu/tokenizer/whitespace"
)
