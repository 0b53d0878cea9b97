package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/manage"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/outbox"
)

// exportFlags are the flags of `export` (rasa/cli/arguments/export.py). What is nil was not given.
type exportFlags struct {
	endpoints        string
	minimum, maximum *float64
	offset           *int
	conversations    string
}

// exportBatch is how many events are published at a time.
const exportBatch = 100

func (a *app) exportCommand() *cobra.Command {
	var x exportFlags
	var minimum, maximum float64
	var offset int
	cmd := &cobra.Command{
		Use: "export", Short: "Publishes stored conversations to the event broker", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f := cmd.Flags()
			if f.Changed("minimum-timestamp") {
				x.minimum = &minimum
			}
			if f.Changed("maximum-timestamp") {
				x.maximum = &maximum
			}
			if f.Changed("offset-timestamps-by-seconds") {
				x.offset = &offset
			}
			return a.export(cmd.Context(), &x)
		},
	}
	f := cmd.Flags()
	f.StringVar(&x.endpoints, "endpoints", defaultEndpoints, "file that names tracker store and event brokers")
	f.Float64Var(&minimum, "minimum-timestamp", 0, "export events from this time on (default: all)")
	f.Float64Var(&maximum, "maximum-timestamp", 0, "export events before this time (default: all)")
	f.IntVar(&offset, "offset-timestamps-by-seconds", 0, "seconds to add to the timestamps that are published")
	f.StringVar(&x.conversations, "conversation-ids", "", "sender_ids to export, separated by commas (default: all)")
	return cmd
}

// exporter is rasa/core/exporter.py.
type exporter struct {
	*exportFlags
	a       *app
	manager *manage.Manager
	brokers []outbox.Target
	// id marks the messages of this run.
	id string
	// published counts events; last is the time of the last one, nil before any.
	published int
	last      any
}

// export says what went wrong on standard output, as Rasa does.
func (a *app) export(ctx context.Context, x *exportFlags) error {
	fail := func(format string, args ...any) error {
		fmt.Fprintf(a.out, format+"\n", args...)
		return exitCode(exitError)
	}
	if x.minimum != nil && x.maximum != nil && *x.maximum < *x.minimum {
		return fail("Maximum timestamp '%s' is smaller than minimum timestamp '%s'. Exiting.", value.Str(*x.maximum), value.Str(*x.minimum))
	}
	s, err := a.openState(x.endpoints, false)
	if errors.Is(err, errNoTrackerStore) {
		return fail("Could not find a `tracker_store` section in the supplied endpoints file. Instructions on how to configure a " +
			"tracker store can be found here: https://rasa.com/docs/rasa/tracker-stores. Exiting. ")
	}
	if err != nil {
		return err
	}
	defer s.close()
	e := exporter{exportFlags: x, a: a, manager: manage.New(manage.Config{Store: s.store}), id: randomID()}
	if e.brokers, err = s.openBrokers(s.endpoints); err != nil {
		return err
	}
	if len(e.brokers) == 0 {
		return fail("Could not find an `event_broker` section in the supplied endpoints file. Instructions on how to configure an " +
			"event broker can be found here: https://rasa.com/docs/rasa/event-brokers. Exiting.")
	}
	for _, b := range e.brokers {
		// Nothing is published, but brokers connect.
		if err := b.Broker.Publish(ctx, []stores.Publication{{ExportID: e.id}}); err != nil {
			a.log.Error("connecting to an event broker", "component", b.Name, "err", err)
			return fail("Event broker of type '%s' is not ready. Exiting.", b.Name)
		}
	}
	e.printOffset()
	ids, problem, err := e.ids(ctx, s.store)
	if err != nil {
		return err
	}
	if problem != "" {
		return fail("%s", problem)
	}
	fmt.Fprintf(a.out, "Fetching events for %d conversation IDs:\n", len(ids))
	for i, id := range ids {
		published, err := e.export(ctx, id)
		if err == nil {
			continue
		}
		if !published {
			return err
		}
		a.log.Error("publishing events", "sender_id", id, "err", err)
		return fail("Encountered error while publishing event with timestamp '%s'. To continue where I left off, run the following "+
			"command:\n\n\t%s\n\nExiting.", value.Str(e.last), e.continuation(ids[i:]))
	}
	fmt.Fprintf(a.out, "Done! Successfully published %d events 🎉\n", e.published)
	return nil
}

// printOffset tells by how much times are changed, with the sign that Rasa gives it.
func (e *exporter) printOffset() {
	if e.offset == nil {
		return
	}
	seconds, sign := *e.offset, ""
	if seconds > 0 {
		sign = "-"
	} else {
		seconds = -seconds
	}
	delta := fmt.Sprintf("%d:%02d:%02d", seconds%86400/3600, seconds%3600/60, seconds%60)
	if n := seconds / 86400; n == 1 {
		delta = "1 day, " + delta
	} else if n > 1 {
		delta = strconv.Itoa(n) + " days, " + delta
	}
	fmt.Fprintf(e.a.out, "All event timestamps will be offset by %s%s! ⏰\n", sign, delta)
}

// ids returns the conversations to export, or why there are none.
func (e *exporter) ids(ctx context.Context, store stores.TrackerStore) (ids []string, problem string, err error) {
	there, err := store.IDs(ctx, stores.Query{}, "", 0)
	if err != nil {
		return nil, "", fmt.Errorf("listing conversations: %w", err)
	}
	if len(there) == 0 {
		return nil, "Could not find any conversations in connected tracker store. Please validate your `endpoints.yml` and make " +
			"sure the defined tracker store exists. Exiting.", nil
	}
	if e.conversations == "" {
		return there, "", nil
	}
	requested := strings.Split(e.conversations, ",")
	slices.Sort(requested)
	var missing []string
	for _, id := range slices.Compact(requested) {
		if slices.Contains(there, id) {
			ids = append(ids, id)
		} else {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		fmt.Fprintf(e.a.out, "Could not find the following requested conversation IDs in connected tracker store: %s\n",
			strings.Join(missing, ", "))
	}
	if len(ids) == 0 {
		problem = "Could not find an overlap between the requested conversation IDs and those found in the tracker store. Exiting."
	}
	return ids, problem, nil
}

// export publishes a conversation. published is false when it could not be read.
func (e *exporter) export(ctx context.Context, id string) (published bool, err error) {
	events, err := e.events(ctx, id)
	if err != nil {
		return false, err
	}
	for i := 0; i < len(events); i += exportBatch {
		batch := events[i:min(i+exportBatch, len(events))]
		p := stores.Publication{SenderID: id, ID: fmt.Sprintf("%s-%s-%d", e.id, id, i), Events: batch, ExportID: e.id}
		for _, b := range e.brokers {
			if err := b.Broker.Publish(ctx, []stores.Publication{p}); err != nil {
				return true, fmt.Errorf("event broker %s: %w", b.Name, err)
			}
		}
		e.published += len(batch)
		e.last = batch[len(batch)-1].Meta().Timestamp
	}
	return true, nil
}

// events returns those to be published of a conversation, as its state shows them, sorted by time.
func (e *exporter) events(ctx context.Context, id string) ([]tracker.Event, error) {
	t, err := e.manager.Load(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("reading the conversation %q: %w", id, err)
	}
	if t == nil {
		return nil, nil
	}
	shown, _ := t.CurrentState(tracker.EventsAll).Value("events").([]any)
	var events []tracker.Event
	for _, v := range shown {
		m, _ := v.(*value.Map)
		event, err := tracker.EventFromMap(m)
		if err != nil {
			return nil, fmt.Errorf("reading the conversation %q: %w", id, err)
		}
		at := event.Meta().Timestamp
		if e.minimum != nil && at < *e.minimum || e.maximum != nil && at >= *e.maximum {
			continue
		}
		events = append(events, event)
	}
	slices.SortStableFunc(events, func(a, b tracker.Event) int {
		switch x, y := a.Meta().Timestamp, b.Meta().Timestamp; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	if e.offset != nil {
		for _, event := range events {
			event.Meta().Timestamp += float64(*e.offset)
		}
	}
	return events, nil
}

// continuation is the command that exports what is left. Rasa names the time of the last event instead, by which other
// conversations lose their earlier events; here the conversation that failed is published again from its beginning.
func (e *exporter) continuation(left []string) string {
	command := "parley export --endpoints " + e.endpoints
	if e.minimum != nil {
		command += " --minimum-timestamp " + value.Str(*e.minimum)
	}
	if e.maximum != nil {
		command += " --maximum-timestamp " + value.Str(*e.maximum)
	}
	if ids := strings.Join(left, ","); strings.Count(ids, ",") == len(left)-1 {
		command += " --conversation-ids " + quoteShell(ids)
	}
	if e.offset != nil {
		command += " --offset-timestamps-by-seconds " + strconv.Itoa(*e.offset)
	}
	return command
}

// quoteShell returns a word as a shell reads it.
func quoteShell(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(",._-:@/+", r)
	}
	if strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
