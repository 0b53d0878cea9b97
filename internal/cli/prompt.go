package cli

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"charm.land/huh/v2"
)

// prompter asks the user of a shell. Its errors are io.EOF when the user has enough.
type prompter interface {
	// line asks for a text.
	line(title string) (string, error)
	// choose lets one of the buttons be chosen and returns what it sends, "" when the user would rather type.
	choose(title string, buttons []any) (string, error)
	// chooses reports whether choose is of use.
	chooses() bool
	// confirm asks a question that yes or no answers.
	confirm(question string) (bool, error)
	// bot is text in the bot's colour.
	bot(text string) string
}

func (a *app) newPrompt() prompter {
	if isTerminal(a.in) && isTerminal(a.out) {
		return &terminalPrompt{in: a.in, out: a.out, colour: os.Getenv("NO_COLOR") == ""}
	}
	return &plainPrompt{bufio.NewReader(a.in)}
}

// terminalPrompt asks on a terminal.
type terminalPrompt struct {
	in     io.Reader
	out    io.Writer
	colour bool
}

func (p *terminalPrompt) ask(field huh.Field) error {
	keys := huh.NewDefaultKeyMap()
	// Whoever types /stop or /intent while buttons are shown wants no filter that hides them all.
	keys.Select.Filter.Unbind()
	err := huh.NewForm(huh.NewGroup(field)).WithKeyMap(keys).WithInput(p.in).WithOutput(p.out).WithShowHelp(false).Run()
	if errors.Is(err, huh.ErrUserAborted) {
		return io.EOF
	}
	return err
}

func (p *terminalPrompt) line(title string) (string, error) {
	var text string
	if err := p.ask(huh.NewInput().Title(title + " ->").Inline(true).Value(&text)); err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	// The form goes away with the answer; what was said stays on the screen.
	_, err := io.WriteString(p.out, title+" -> "+text+"\n")
	return text, err
}

// freeText is the choice of typing instead (rasa/cli/utils.py, FREE_TEXT_INPUT_PROMPT).
const freeText = "Type out your own message..."

func (p *terminalPrompt) choose(title string, buttons []any) (string, error) {
	options := make([]huh.Option[int], 0, len(buttons)+1)
	for i, b := range buttons {
		options = append(options, huh.NewOption(buttonText(b), i))
	}
	options = append(options, huh.NewOption(freeText, len(buttons)))
	chosen := 0
	if err := p.ask(huh.NewSelect[int]().Title(title).Options(options...).Value(&chosen)); err != nil {
		return "", err
	}
	said := freeText
	if chosen < len(buttons) {
		said = buttonText(buttons[chosen])
	}
	if _, err := io.WriteString(p.out, p.bot(title)+"\n"+said+"\n"); err != nil {
		return "", err
	}
	if chosen == len(buttons) {
		return "", nil
	}
	return payload(buttons[chosen]), nil
}

func (p *terminalPrompt) chooses() bool { return true }

func (p *terminalPrompt) confirm(question string) (bool, error) {
	yes := true
	if err := p.ask(huh.NewConfirm().Title(question).Value(&yes)); err != nil {
		return false, err
	}
	return yes, nil
}

// bot writes in Rasa's blue.
func (p *terminalPrompt) bot(text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[94m" + text + "\x1b[0m"
}
