package arch

// A rule places the packages that match a pattern. Paths are below the module's; in a pattern `*` stands for one
// element, `{a,b}` at the end for either, and a last `...` for the package and everything below it. The first rule that matches a package counts.
type rule struct {
	packages string
	// may lists what they may import of this module.
	may []string
	// standardLibrary forbids other modules.
	standardLibrary bool
	why             string
}

// vocabulary is what every package may speak of: values as Python has them, its regular expressions, tags of tokens.
const vocabulary = "internal/{value,pyre,tagging}"

var rules = []rule{
	{packages: "internal/value", why: "leaf: the values of slots, events and JSON; knows nothing of conversations"},
	{packages: "internal/pyre", why: "leaf: Python's regular expressions"},
	{packages: "internal/tagging", may: []string{"internal/value"}, why: "leaf: entities as tags of tokens, for extractors and policies"},
	{packages: "internal/jsonschema", may: []string{vocabulary}, why: "leaf: JSON schema in Python's words"},
	{packages: "internal/ml/...", may: []string{"internal/ml/...", "internal/value"}, why: "leaf: numbers only, no chatbot words"},
	{packages: "internal/shortcut", standardLibrary: true, why: "leaf: requests that need no HTTP server; knows nothing of what answers"},
	{packages: "lb", standardLibrary: true, why: "leaf: pools of servers, whatever they serve; standard library only"},
	{packages: "project", may: []string{vocabulary}, why: "leaf: what is written in a project, before anything interprets it"},
	{packages: "component", may: []string{vocabulary}, why: "leaf: the registry knows no concrete component"},
	{packages: "component/course", may: []string{"component"}, why: "what every training may leave behind"},
	{packages: "internal/tlsfile", why: "leaf: certificates that configuration names"},
	{packages: "internal/redisclient", may: []string{"component", "internal/tlsfile", vocabulary}, why: "a connection to Redis from the options of endpoints.yml"},
	{packages: "internal/natsnode", may: []string{"component", "internal/tlsfile", vocabulary}, why: "a connection to NATS, or a server of our own in the process"},
	{packages: "internal/sqldb", may: []string{"component", "internal/tlsfile", vocabulary}, why: "a connection to a SQL database from the options of endpoints.yml"},
	{packages: "internal/metrics", standardLibrary: true, why: "leaf: numbers as text; knows nothing of what they count"},
	{packages: "internal/testservers", why: "real servers for tests"},
	{packages: "internal/endpoint", may: []string{"project", vocabulary}, why: "calls of a server that endpoints.yml names"},

	{packages: "dialogue/tracker", may: []string{"project", vocabulary}, why: "the state of a conversation; all roots speak of it"},
	{packages: "nlu", may: []string{"dialogue/tracker", "project", "component", "internal/ml/...", vocabulary},
		why: "root: contracts and the pipeline, no concrete component"},
	{packages: "nlu/diet", may: []string{"nlu", "component", "component/course", "internal/ml/...", vocabulary},
		why: "the network that DIETClassifier and ResponseSelector share"},
	{packages: "nlu/selector/response", may: []string{"nlu", "nlu/diet", "component", "internal/ml/...", vocabulary}, why: "a component on the shared network"},
	{packages: "nlu/classifier/diet", may: []string{"nlu", "nlu/diet", "component", "internal/ml/...", vocabulary}, why: "a component on the shared network"},
	{packages: "nlu/classifier/{logisticregression,sklearn}", may: []string{"nlu", "component", "internal/ml/...", "internal/archive/skops", vocabulary},
		why: "a component that reads estimators of scikit-learn"},
	{packages: "nlu/*/*", may: []string{"nlu", "component", "dialogue/tracker", "internal/ml/...", vocabulary},
		why: "a component knows its root, never another component"},

	{packages: "dialogue/policy/state", may: []string{"dialogue/tracker", "project", vocabulary},
		why: "what policies see of a tracker; below the root, because its contract speaks of it"},
	{packages: "dialogue/policy/training", may: []string{"dialogue/policy/state", "dialogue/tracker", "project", vocabulary},
		why: "stories and rules as trackers; below the root, because its contract speaks of them"},
	{packages: "dialogue/policy", may: []string{"dialogue/policy/{state,training}", "dialogue/tracker", "project", "component", vocabulary},
		why: "root: contract and ensemble, no concrete policy"},
	{packages: "dialogue/policy/neural", may: []string{"dialogue/policy", "dialogue/policy/{state,training}", "dialogue/tracker", "project", "component", "component/course",
		"internal/ml/...", "internal/tagging", vocabulary}, why: "the network that TEDPolicy and UnexpecTEDIntentPolicy share"},
	{packages: "dialogue/policy/{ted,unexpected}", may: []string{"dialogue/policy", "dialogue/policy/{state,training,neural}", "dialogue/tracker", "project",
		"component", "internal/ml/...", vocabulary}, why: "a policy on the shared network"},
	{packages: "dialogue/policy/*", may: []string{"dialogue/policy", "dialogue/policy/{state,training}", "dialogue/tracker", "project", "component",
		"internal/ml/...", vocabulary}, why: "a policy knows its root, never another policy, never the processor"},
	{packages: "dialogue/nlg", may: []string{"dialogue/tracker", "project", "internal/endpoint", vocabulary},
		why: "responses are chosen from a tracker and a domain"},
	{packages: "dialogue/form", may: []string{"actions", "dialogue/tracker", "project", vocabulary}, why: "form filling; validation asks for actions by contract"},
	{packages: "dialogue", may: []string{"dialogue/{tracker,policy,nlg,form}", "nlu", "stores", "channels", "actions", "project", "component", vocabulary},
		why: "the processor sees contracts, never what implements them"},

	{packages: "actions", may: []string{"lb", "dialogue/tracker", "project", "component", "internal/endpoint", vocabulary},
		why: "root: the action server's protocol and client"},
	{packages: "stores", may: []string{"dialogue/tracker", "project", "component", vocabulary}, why: "root: contracts of what a node keeps elsewhere"},
	{packages: "stores/storetest", may: []string{"stores", "dialogue/tracker", "project", vocabulary}, why: "the suite every backend runs"},
	{packages: "stores/eventlog", may: []string{"stores", "dialogue/tracker", vocabulary}, why: "what all stores share that keep lists of events"},
	{packages: "stores/outbox", may: []string{"stores", "dialogue/tracker", vocabulary}, why: "delivers what commits set off; brokers and timers are handed in"},
	{packages: "stores/failsafe", may: []string{"stores", "dialogue/tracker", vocabulary}, why: "Rasa's way with a store that fails; stores are handed in"},
	{packages: "stores/spool", may: []string{"stores", "dialogue/tracker", vocabulary}, why: "turns that could not be stored; the store is handed in"},
	{packages: "stores/measured", may: []string{"stores", "dialogue/tracker", "internal/metrics", vocabulary}, why: "counts calls of contracts, whatever is behind them"},
	{packages: "stores/tracker/sqlite", may: []string{"stores", "stores/eventlog", "stores/tracker/sql", "component", vocabulary}, why: "the store of package sql with a path and defaults of its own"},
	{packages: "stores/*/*", may: []string{"stores", "stores/eventlog", "dialogue/tracker", "component", "project", "internal/redisclient", "internal/natsnode", "internal/sqldb", "internal/tlsfile", vocabulary},
		why: "a backend knows its contract, never another backend"},
	{packages: "channels", may: []string{"dialogue/tracker", "project", "component", vocabulary}, why: "root: messages in and out, the Channel contract"},
	{packages: "channels/*", may: []string{"channels", "dialogue/tracker", "component", "project", "internal/endpoint", vocabulary},
		why: "a channel knows its root, never another channel"},

	{packages: "server", may: []string{"dialogue", "dialogue/{tracker,policy}", "nlu", "stores", "channels", "actions", "console", "project", "component",
		"internal/{jsonschema,shortcut,manage,metrics}", vocabulary}, why: "the HTTP API over contracts; what implements them is handed in"},
	{packages: "console", standardLibrary: true, why: "embedded files"},
	{packages: "standard", may: []string{"nlu/...", "dialogue/policy/...", "stores/...", "channels/..."}, why: "the one list of what this binary contains"},

	{packages: "internal/archive/...", may: []string{"internal/archive/...", "internal/ml/weights", "project", "component", vocabulary}, why: "a model on disk, whatever its parts are"},
	{packages: "internal/model", may: []string{"internal/archive", "dialogue", "dialogue/nlg", "dialogue/policy", "dialogue/policy/training",
		"dialogue/tracker", "actions", "nlu", "project", "component", vocabulary}, why: "trains a project to a model and loads it; the parts are built by their registries"},
	{packages: "internal/evaluate", may: []string{"dialogue", "dialogue/policy/training", "dialogue/tracker", "project", vocabulary},
		why: "compares predictions with test data; models are handed in"},
	{packages: "internal/evaluate/report", may: []string{"internal/evaluate", "internal/evaluate/chart", "project", vocabulary},
		why: "the files of an evaluation"},
	{packages: "internal/evaluate/chart", why: "pictures of numbers; knows nothing of what they count"},
	{packages: "internal/manage", may: []string{"stores", "dialogue/tracker", "project", vocabulary},
		why: "what operators do with stored conversations; stores are handed in"},
	{packages: "internal/validate", may: []string{"nlu", "dialogue/nlg", "dialogue/policy", "dialogue/policy/training", "project", "component", vocabulary},
		why: "what is wrong in a project before it is trained; components are known by their registries"},
	{packages: "internal/cli", may: []string{"server", "standard", "examples", "stores/{outbox,spool,failsafe,measured}", "stores/timer/memory", "internal/{archive,evaluate,model,endpoint,validate,manage,metrics}", "internal/evaluate/{report,chart}", "conformance/compat", "dialogue",
		"dialogue/{tracker,policy,nlg}", "nlu", "stores", "channels", "actions", "project", "component", vocabulary}, why: "wiring: one file a command"},
	{packages: "cmd/parley", may: []string{"internal/cli"}, why: "version, signals, exit status"},
	{packages: "conformance/...", may: []string{"conformance/...", vocabulary}, why: "compares servers over HTTP; knows nothing of what answers"},
	{packages: "internal/docgen", may: []string{"internal/cli", "nlu", "dialogue/policy", "channels", "stores", "component", vocabulary},
		why: "writes the reference pages from what is registered"},
	{packages: "internal/bench/models", may: []string{"internal/ml/f32"}, why: "measures the binary from outside, and the speed of products"},
	{packages: "internal/chaos", may: []string{"internal/testservers"}, why: "breaks a fleet of binaries from outside"},
	{packages: "internal/bench/stores", why: "tests only: measures tracker stores with a proxy in front of their servers"},
	{packages: "internal/mixed", why: "tests only: the binary beside real Rasa"},
	{packages: "internal/bench", why: "measures the binary from outside"},
	{packages: "internal/arch", why: "tests only"},
	{packages: "examples", standardLibrary: true, why: "files, one of them embedded"},
}

// libraries says where other modules may be used, so that a library can be exchanged in one place. A module that is
// not listed may be used by any package that is not bound to the standard library.
var libraries = []rule{
	{packages: "github.com/labstack/echo/v4/...", may: []string{"server", "channels", "channels/*", "internal/bench"}, why: "HTTP stays at the edge"},
	{packages: "github.com/spf13/cobra/...", may: []string{"internal/cli", "internal/docgen"}, why: "commands are parsed in one place"},
	{packages: "gonum.org/v1/plot/...", may: []string{"internal/evaluate/chart", "component/course"}, why: "evaluations and the course of a training are drawn, nothing else"},
	{packages: "gopkg.in/yaml.v3/...", may: []string{"project", "internal/cli", "internal/archive"}, why: "YAML ends where files are read; beyond are typed values"},
}
