package dialogue

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/parleybot/parley/actions"
	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue/policy"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// What callers branch on.
var (
	// ErrNoModel is returned while no model is loaded.
	ErrNoModel = errors.New("no model loaded")
	// ErrUnknownAction is wrapped by the error for an action that the domain does not have.
	ErrUnknownAction = errors.New("unknown action")
	// ErrUnknownIntent is wrapped by the error for an intent that the domain does not have.
	ErrUnknownIntent = errors.New("unknown intent")
	// ErrNoDialogue is returned where a prediction is asked of a model without policies.
	ErrNoDialogue = errors.New("the model has no dialogue policies")
)

// ActionRunner runs custom actions. It may be called by several goroutines.
type ActionRunner interface {
	// Run runs the action called name for the conversation t, which it may only read and only until it returns. The
	// error wraps actions.ErrRejected, ErrUnavailable or ErrInvalidResponse.
	Run(ctx context.Context, name string, t *tracker.Tracker) (*actions.Result, error)
}

// Generator makes the messages for responses of the domain. It may be called by several goroutines.
type Generator interface {
	// Generate returns the message for a response: text, buttons, image, ... with slot values filled in. The map belongs
	// to the caller, the values in it do not. It returns nil, nil when there is no suitable variation. channel is the
	// output channel's name; args are the values an action server gave beside the slots, nil for an utter_ action; chance
	// comes from random, which returns numbers in [0, 1).
	Generate(ctx context.Context, name string, t *tracker.Tracker, channel string, args *value.Map,
		random func() float64) (*value.Map, error)
}

// Outbox delivers what commits set off. It may be called by several goroutines.
type Outbox interface {
	// Deliver takes a commit over and returns at once. after are the IDs of earlier commits of the conversation that may
	// not be delivered yet.
	Deliver(c stores.Commit, after []string)
}

// Parser understands user messages (nlu.Pipeline is one). It may be called by several goroutines.
type Parser interface {
	// Parse returns the parse data of a text. The map belongs to the caller, the values in it do not.
	Parse(ctx context.Context, text string) (*value.Map, error)
}

// Predictor predicts the next action (policy ensembles do). It may be called by several goroutines.
type Predictor interface {
	// Predict does not change t, except for memos on its history. The events of the prediction belong to the caller.
	Predict(ctx context.Context, t *tracker.Tracker) (policy.Prediction, error)
}

// Voter is a Predictor that can also tell what each of its policies said; it is asked to when somebody listens
// (Config.OnPrediction).
type Voter interface {
	Votes(ctx context.Context, t *tracker.Tracker) (best policy.Prediction, votes []policy.Prediction, err error)
}

// Made is a prediction that was made, for whoever wants to explain it. What it points to must not be changed.
type Made struct {
	SenderID string
	// Action is the name (or text) of the action chosen.
	Action     string
	Prediction *policy.Prediction
	// Votes are what each policy said; nil for a followup and where the policies do not tell.
	Votes []policy.Prediction
}

// Env is what a turn takes from outside beside the message and the tracker. Two turns with equal inputs and equal
// answers of their Env have equal events.
type Env struct {
	// Now returns seconds since 1970.
	Now func() float64
	// Random returns a number in [0, 1).
	Random func() float64
	// NewID returns 32 hexadecimal digits for a message without id.
	NewID func() string
	// Actions is nil when no action server is configured: custom actions fail then, as in Rasa.
	Actions ActionRunner
	NLG     Generator
}

// Config is what a Processor is made of. Store and Locks are required.
type Config struct {
	Store stores.TrackerStore
	Locks stores.Locker
	// Outbox gets the commits that set something off elsewhere, after they were stored. Without one timers are set by the
	// turn itself, and nothing is published.
	Outbox Outbox
	// PublishAll says that there are brokers: every commit with events goes to Outbox, not only those with timers.
	PublishAll bool
	// Timers keeps reminders. Without it there are none.
	Timers stores.Timers
	// SharedTimers says that other nodes set timers, too.
	SharedTimers bool
	// OutputOf returns the way to users of a channel who did not just write, nil when there is none; reminders use it.
	OutputOf func(channel string) channels.Output
	Actions  ActionRunner
	// NLG generates all responses when it is set; otherwise the model's own generator does.
	NLG Generator
	// MaxActions is how many actions may follow a user message. Default: the environment variable
	// MAX_NUMBER_OF_PREDICTIONS, or 10.
	MaxActions int
	// Logger gets what happens. Default: nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Default: the system's.
	Now func() time.Time
	// Random returns a number in [0, 1). Default: the process-wide source.
	Random func() float64
	// NewID makes message ids. Default: 32 random hexadecimal digits.
	NewID func() string
	// AfterFunc calls f after d unless stop is called before; reminders use it. Default: time.AfterFunc.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
	// OnPrediction is told of every prediction. It runs inside the turn.
	OnPrediction func(ctx context.Context, made Made)
}

const defaultMaxActions = 10

func (c Config) withDefaults() Config {
	if c.MaxActions == 0 {
		c.MaxActions = defaultMaxActions
		if n, err := strconv.Atoi(os.Getenv("MAX_NUMBER_OF_PREDICTIONS")); err == nil {
			c.MaxActions = n
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = defaultRandom
	}
	if c.NewID == nil {
		c.NewID = newID
	}
	if c.OutputOf == nil {
		c.OutputOf = func(string) channels.Output { return nil }
	}
	if c.AfterFunc == nil {
		c.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	return c
}

// OutputFor chooses where answers go, knowing the conversation.
type OutputFor func(t *tracker.Tracker) channels.Output
