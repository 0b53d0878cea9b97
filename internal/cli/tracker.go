package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/manage"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// trackerCommand is `tracker`, which Rasa does not have.
func (a *app) trackerCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "tracker", Short: "Works with stored conversations", Args: cobra.NoArgs, RunE: showHelp}
	cmd.AddCommand(a.trackerListCommand(), a.trackerShowCommand(), a.trackerDeleteCommand(), a.trackerPruneCommand(),
		a.trackerExportCommand(), a.trackerImportCommand())
	for _, sub := range cmd.Commands() {
		sub.Flags().String("endpoints", defaultEndpoints, "file that names the tracker store and what else has something of conversations")
	}
	return cmd
}

func endpointsOf(cmd *cobra.Command) string { return cmd.Flags().Lookup("endpoints").Value.String() }

// queryFlags say which conversations are meant.
type queryFlags struct{ since, until, channel, intent, slot, text string }

func (q *queryFlags) add(f *pflag.FlagSet) {
	f.StringVar(&q.since, "since", "", "the last event is not before this time: a date, or seconds since 1970")
	f.StringVar(&q.until, "until", "", "the last event is not after this time")
	f.StringVar(&q.channel, "channel", "", "the user wrote over this channel")
	f.StringVar(&q.intent, "intent", "", "a message had this intent")
	f.StringVar(&q.slot, "slot", "", "the slot of this name is set; NAME=VALUE: to this value")
	f.StringVar(&q.text, "text", "", "a message of user or bot has this text in it")
}

func (q *queryFlags) query() (out stores.Query, err error) {
	out = stores.Query{Channel: q.channel, Intent: q.intent, Slot: q.slot, Text: q.text}
	if name, v, ok := strings.Cut(q.slot, "="); ok {
		out.Slot, out.SlotValue = name, &v
	}
	if out.Since, err = timeFlag("since", q.since); err != nil {
		return out, err
	}
	out.Until, err = timeFlag("until", q.until)
	return out, err
}

func timeFlag(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := manage.ParseTime(text)
	if err != nil {
		return t, usageError{fmt.Errorf("--%s: %w", name, err)}
	}
	return t, nil
}

func (a *app) trackerListCommand() *cobra.Command {
	var q queryFlags
	var limit int
	var after string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Short: "Lists stored conversations, all or those searched for", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := q.query()
			if err != nil {
				return err
			}
			s, err := a.openState(endpointsOf(cmd), false)
			if err != nil {
				return err
			}
			defer s.close()
			m := manage.New(manage.Config{Store: s.store, Logger: a.log})
			for left := limit; limit == 0 || left > 0; {
				size := 100
				if limit > 0 {
					size = min(size, left)
				}
				page, err := m.List(cmd.Context(), query, after, size)
				if err != nil {
					return err
				}
				for i := range page.Conversations {
					a.printSummary(&page.Conversations[i], asJSON)
				}
				left -= len(page.Conversations)
				if after = page.Next; after == "" {
					break
				}
			}
			return nil
		},
	}
	f := cmd.Flags()
	q.add(f)
	f.IntVar(&limit, "limit", 0, "number of conversations (default: all)")
	f.StringVar(&after, "after", "", "begin behind this sender_id")
	f.BoolVar(&asJSON, "json", false, "print a JSON object a line")
	return cmd
}

// printSummary prints time of the last event, number of events, channels, last intent and sender_id.
func (a *app) printSummary(s *manage.Summary, asJSON bool) {
	if asJSON {
		fmt.Fprintln(a.out, string(value.Encode(s.JSON(), value.JSON)))
		return
	}
	id := s.SenderID
	if quoted := strconv.Quote(id); quoted != `"`+id+`"` {
		id = quoted
	}
	if s.Err != nil {
		fmt.Fprintf(a.out, "%-20s  %6s  %s  %v\n", "?", "?", id, s.Err)
		return
	}
	last := time.UnixMicro(int64(s.Last * 1e6)).UTC().Format(time.RFC3339)
	fmt.Fprintf(a.out, "%-20s  %6d  %-12s  %-20s  %s\n", last, s.Events, strings.Join(s.Channels, ","), s.Intent, id)
}

func (a *app) trackerShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show sender_id", Short: "Prints a conversation with all its events as JSON", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openState(endpointsOf(cmd), false)
			if err != nil {
				return err
			}
			defer s.close()
			t, err := manage.New(manage.Config{Store: s.store}).Load(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if t == nil {
				return fmt.Errorf("there is no conversation %q", args[0])
			}
			fmt.Fprintln(a.out, string(value.Encode(t.CurrentState(tracker.EventsAll), value.Indent2)))
			return nil
		},
	}
}

func (a *app) trackerDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use: "delete sender_id...", Short: "Deletes conversations with all that belongs to them, and prints a proof of each", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, m, err := a.openStateToDelete(endpointsOf(cmd))
			if err != nil {
				return err
			}
			defer s.close()
			var problems []error
			for _, id := range args {
				p := m.Delete(cmd.Context(), id)
				a.printProof(p)
				if !p.Verified {
					problems = append(problems, fmt.Errorf("the conversation %q may not be deleted as a whole", id), p.Err())
				}
			}
			return errors.Join(problems...)
		},
	}
}

func (a *app) printProof(p *manage.Proof) {
	fmt.Fprintln(a.out, string(value.Encode(p.JSON(), value.JSON)))
}

func (a *app) trackerPruneCommand() *cobra.Command {
	var olderThan float64
	var dryRun bool
	cmd := &cobra.Command{
		Use: "prune", Short: "Deletes conversations that ended long ago, and prints a proof of each", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, m, err := a.openStateToDelete(endpointsOf(cmd))
			if err != nil {
				return err
			}
			defer s.close()
			age := s.retention
			if cmd.Flags().Changed("days") {
				age = days(olderThan)
			}
			if age <= 0 {
				return usageError{errors.New("--days says after how many days conversations are deleted; retention_days of the section state does not")}
			}
			before := time.Now().Add(-age)
			if dryRun {
				return m.Old(cmd.Context(), before, func(s manage.Summary) error { a.printSummary(&s, false); return nil })
			}
			n, err := m.Prune(cmd.Context(), before, a.printProof)
			fmt.Fprintf(a.err, "%d conversations were deleted\n", n)
			return err
		},
	}
	cmd.Flags().Float64Var(&olderThan, "days", 0, "days after the last event (default: retention_days of the section state in endpoints.yml)")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only list what would be deleted")
	return cmd
}

func (a *app) trackerExportCommand() *cobra.Command {
	var q queryFlags
	var out string
	cmd := &cobra.Command{
		Use: "export", Short: "Writes conversations to a file, one a line, with counts and hashes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := q.query()
			if err != nil {
				return err
			}
			s, err := a.openState(endpointsOf(cmd), false)
			if err != nil {
				return err
			}
			defer s.close()
			m := manage.New(manage.Config{Store: s.store, Logger: a.log})
			var totals manage.Totals
			err = a.writeTo(out, func(w io.Writer) (err error) {
				totals, err = m.Export(cmd.Context(), query, w)
				return err
			})
			fmt.Fprintf(a.err, "%d conversations with %d events were written\n", totals.Conversations, totals.Events)
			return err
		},
	}
	q.add(cmd.Flags())
	cmd.Flags().StringVar(&out, "out", "-", "file to write; - for standard output")
	return cmd
}

// writeTo has a file written, for the user alone, that is there only when it is complete.
func (a *app) writeTo(file string, write func(w io.Writer) error) error {
	if file == "-" {
		return write(a.out)
	}
	part := file + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // the user names it
	if err != nil {
		return fmt.Errorf("writing conversations: %w", err)
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("%s is not complete: %w", part, err)
	}
	return os.Rename(part, file)
}

func (a *app) trackerImportCommand() *cobra.Command {
	var o manage.ImportOptions
	cmd := &cobra.Command{
		Use: "import file", Short: "Stores the conversations of a file that export wrote", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openState(endpointsOf(cmd), !o.DryRun)
			if err != nil {
				return err
			}
			defer s.close()
			done, err := manage.New(manage.Config{Store: s.store, Locks: s.locks, Logger: a.log}).Import(cmd.Context(), args[0], o)
			if err != nil {
				return err
			}
			verb := "were"
			if o.DryRun {
				verb = "would be"
			}
			fmt.Fprintf(a.out, "%d conversations %s stored, %d replaced, %d were there already\n", done.New, verb, done.Replaced, done.Same)
			return nil
		},
	}
	cmd.Flags().BoolVar(&o.Replace, "replace", false, "replace conversations that are in the store with other events")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "check the file and what is in the store, and write nothing")
	return cmd
}
