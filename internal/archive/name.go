package archive

import "time"

// Name returns the name of a new model: date, time and two words, as Rasa names its own
// (20240102-030405-some-words). random returns a number in [0, 1).
func Name(at time.Time, random func() float64) string {
	pick := func(words []string) string { return words[int(random()*float64(len(words)))%len(words)] }
	return at.Format("20060102-150405") + "-" + pick(adjectives) + "-" + pick(nouns)
}

var adjectives = []string{
	"amber", "brisk", "calm", "clever", "coral", "dapper", "eager", "fabled", "gentle", "golden", "hazel", "honest",
	"icy", "jolly", "keen", "lively", "lucid", "mellow", "nimble", "olive", "patient", "plain", "quiet", "rapid",
	"rustic", "silver", "sober", "sunny", "tidy", "vivid", "warm", "witty",
}

var nouns = []string{
	"anchor", "badger", "beacon", "brook", "cedar", "comet", "delta", "ember", "falcon", "fjord", "garnet", "harbor",
	"heron", "island", "jigsaw", "kettle", "lantern", "maple", "meadow", "otter", "parlor", "pebble", "quartz", "raven",
	"saddle", "sparrow", "thicket", "tunnel", "valley", "violin", "walnut", "willow",
}
