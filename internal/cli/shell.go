package cli

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/parleybot/parley/channels"
	"github.com/parleybot/parley/dialogue"
	"github.com/parleybot/parley/internal/archive"
	"github.com/parleybot/parley/internal/model"
	"github.com/parleybot/parley/internal/value"
)

// stopMessage ends a shell (rasa/shared/constants.py, EXTERNAL_MESSAGE_PREFIX + "stop").
const stopMessage = "/stop"

// shellChannel is the name of the shell's channel, that responses for a channel can name.
const shellChannel = "cmdline"

func (a *app) shellCommand() *cobra.Command {
	var r runFlags
	var sender string
	cmd := &cobra.Command{Use: "shell [model]", Short: "Lets you talk to a trained model", Args: cobra.MaximumNArgs(1)}
	r.add(cmd, a)
	cmd.Flags().StringVar(&sender, "conversation-id", "", "id of the conversation (default: a random one)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			r.model = args[0]
		}
		if sender == "" {
			sender = randomID()
		}
		return a.shell(cmd.Context(), &r, sender)
	}
	cmd.AddCommand(a.shellNLUCommand())
	return cmd
}

func (a *app) shellNLUCommand() *cobra.Command {
	path := defaultModels
	cmd := &cobra.Command{Use: "nlu [model]", Short: "Shows what a trained model understands", Args: cobra.MaximumNArgs(1)}
	cmd.Flags().StringVarP(&path, "model", "m", path, "model file, or a folder whose newest model is asked")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			path = args[0]
		}
		file, m, err := a.shellModel(path)
		if err != nil || m == nil {
			return err
		}
		if !m.Manifest.NLU {
			fmt.Fprintln(a.out, "No NLU model found. Train a model before running the server using `parley train nlu`.")
			return nil
		}
		return a.understand(cmd.Context(), file)
	}
	return cmd
}

func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// shellModel finds and reads the model of a shell (rasa/cli/shell.py). Without a model and an error that was said.
func (a *app) shellModel(path string) (string, *archive.Archive, error) {
	path, err := a.requiredPath(path, "model", defaultModels)
	if err != nil {
		return "", nil, err
	}
	file, err := a.findModel(path)
	if err != nil {
		a.log.Debug("no model", "err", err)
		fmt.Fprintln(a.out, "No model found. Train a model before running the server using `parley train`.")
		return "", nil, nil
	}
	m, err := archive.Load(file)
	return file, m, err
}

// shell talks to a model until the user has enough. A model without dialogue shows what it understands.
func (a *app) shell(ctx context.Context, r *runFlags, sender string) error {
	a.quietShell()
	file, m, err := a.shellModel(r.model)
	if err != nil || m == nil {
		return err
	}
	if !m.Manifest.Core {
		return a.understand(ctx, file)
	}
	s, err := a.openSite(a.path(r.endpoints, defaultEndpoints), embedded)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.load(file); err != nil {
		return err
	}
	c := &conversation{app: a, processor: s.processor, sender: sender, timeout: time.Duration(r.requestTimeout) * time.Second,
		prompt: a.newPrompt()}
	return c.run(ctx)
}

// quietShell keeps the log from talking in between, unless it is asked for.
func (a *app) quietShell() {
	if a.logs.verbose == 0 && !a.logs.debug && a.logs.level == "" && a.logs.file == "" {
		a.logs.quiet = true
		_ = a.openLog() // it has been opened with the same flags before
	}
}

// understand prints the parse data of what the user types (rasa/nlu/run.py).
func (a *app) understand(ctx context.Context, file string) error {
	m, err := model.LoadFile(file, a.env())
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, "NLU model loaded. Type a message and press enter to parse it.")
	prompt := a.newPrompt()
	for {
		text, err := prompt.line("Next message")
		if errors.Is(err, io.EOF) || text == stopMessage {
			return nil
		}
		if err != nil {
			return err
		}
		parsed, err := m.NLU.Parse(ctx, text)
		if err != nil {
			return err
		}
		fmt.Fprintln(a.out, string(value.Encode(parsed, value.Unicode|value.Indent2)))
	}
}

// conversation is one user's talk with the bot on the command line (rasa/core/channels/console.py).
type conversation struct {
	app       *app
	processor *dialogue.Processor
	sender    string
	timeout   time.Duration
	prompt    prompter
}

func (c *conversation) run(ctx context.Context) error {
	fmt.Fprintf(c.app.out, "Bot loaded. Type a message and press enter (use '%s' to exit):\n", stopMessage)
	var buttons *value.Map
	for {
		text, err := c.next(buttons)
		switch {
		case errors.Is(err, io.EOF), text == stopMessage:
			return nil
		case err != nil:
			return err
		}
		answers, err := c.say(ctx, text)
		select {
		case <-ctx.Done(): // the user wants to leave
			return nil
		default:
		}
		if err != nil {
			fmt.Fprintln(c.app.err, "the message could not be answered:", err)
		}
		buttons = c.show(answers)
	}
}

// next asks for the next message: by the buttons of the last answer when it has some.
func (c *conversation) next(last *value.Map) (string, error) {
	if last != nil {
		text, err := c.prompt.choose(value.Str(last.Value("text")), last.List("buttons"))
		if err != nil || text != "" {
			return text, err
		}
	}
	return c.prompt.line("Your input")
}

func (c *conversation) say(ctx context.Context, text string) ([]any, error) {
	if c.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	out := channels.NewForwarder(shellChannel, func(context.Context, *value.Map) error { return nil })
	err := c.processor.Handle(ctx, &channels.UserMessage{Text: text, SenderID: c.sender, InputChannel: shellChannel, Output: out})
	return out.End(), err
}

// show prints answers and returns the last one when it has buttons: they are what the user chooses from next.
func (c *conversation) show(answers []any) *value.Map {
	for i, v := range answers {
		answer, ok := v.(*value.Map)
		if !ok {
			continue
		}
		if i == len(answers)-1 && len(answer.List("buttons")) > 0 && c.prompt.chooses() {
			return answer
		}
		for _, line := range describe(answer) {
			fmt.Fprintln(c.app.out, c.prompt.bot(line))
		}
	}
	return nil
}

// describe says a message in lines of text (_print_bot_output).
func describe(m *value.Map) []string {
	var lines []string
	if m.Has("text") {
		lines = append(lines, value.Str(m.Value("text")))
	}
	list := func(title, key string, text func(any) string) {
		if items := m.List(key); len(items) > 0 {
			lines = append(lines, title)
			for i, item := range items {
				lines = append(lines, fmt.Sprintf("%d: %s", i+1, text(item)))
			}
		}
	}
	list("Buttons:", "buttons", buttonText)
	for _, part := range []struct{ key, title string }{{"image", "Image: "}, {"attachment", "Attachment: "}} {
		if m.Has(part.key) {
			lines = append(lines, part.title+value.Str(m.Value(part.key)))
		}
	}
	list("Elements:", "elements", func(v any) string { return string(value.Encode(v, value.Unicode)) })
	list("Quick Replies:", "quick_replies", buttonText)
	if m.Has("custom") {
		lines = append(lines, "Custom json:", string(value.Encode(m.Value("custom"), value.Unicode|value.Indent2)))
	}
	return lines
}

// buttonText is a button in a list: its title, what it sends, and whatever else it has.
func buttonText(v any) string {
	b, ok := v.(*value.Map)
	if !ok {
		return value.Str(v)
	}
	text := b.String("title")
	if b.Has("payload") {
		text += " (" + value.Str(b.Value("payload")) + ")"
	}
	rest := b.Clone()
	rest.Delete("title")
	rest.Delete("payload")
	if rest.Len() > 0 {
		text += " - " + string(value.Encode(rest, value.Unicode))
	}
	return text
}

// payload is what a button sends.
func payload(v any) string {
	if b, ok := v.(*value.Map); ok && b.Has("payload") {
		return value.Str(b.Value("payload"))
	} else if ok {
		return b.String("title")
	}
	return value.Str(v)
}

// plainPrompt asks on anything that is no terminal: a line in, a line out.
type plainPrompt struct{ in *bufio.Reader }

func (p *plainPrompt) line(string) (string, error) {
	text, err := p.in.ReadString('\n')
	if errors.Is(err, io.EOF) && text != "" {
		err = nil
	}
	return strings.TrimSpace(text), err
}

func (p *plainPrompt) choose(string, []any) (string, error) { return "", nil }
func (p *plainPrompt) chooses() bool                        { return false }
func (p *plainPrompt) bot(text string) string               { return text }
func (p *plainPrompt) confirm(string) (bool, error)         { return true, nil }
