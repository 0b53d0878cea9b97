package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/parleybot/parley/examples"
	"github.com/parleybot/parley/internal/model"
)

func (a *app) initCommand() *cobra.Command {
	var noPrompt bool
	var dir string
	cmd := &cobra.Command{Use: "init", Short: "Writes a new project with a small bot", Args: cobra.NoArgs}
	cmd.Flags().BoolVar(&noPrompt, "no-prompt", false, "ask nothing: write into the folder and train")
	cmd.Flags().StringVar(&dir, "init-dir", "", "folder for the project (default: the current one)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		i := initializer{app: a, dir: dir, prompt: &plainPrompt{}}
		if !noPrompt {
			i.asking, i.prompt = true, a.newPrompt()
		}
		err := i.run(cmd.Context())
		if errors.Is(err, io.EOF) {
			fmt.Fprintln(a.out, "Ok. You can continue setting up by running 'parley init'.")
			return nil
		}
		return err
	}
	return cmd
}

// initializer makes a new project (rasa/cli/scaffold.py).
type initializer struct {
	app    *app
	dir    string
	asking bool
	prompt prompter
}

// run is the whole command; io.EOF means that the user does not want to go on.
func (i *initializer) run(ctx context.Context) error {
	out := i.app.out
	fmt.Fprintln(out, "Welcome to parley! To get started quickly, an initial project will be created.")
	if err := i.chooseFolder(); err != nil {
		return err
	}
	if err := writeStarter(i.dir); err != nil {
		return err
	}
	// What follows reads and writes the project by its usual paths, as the user will.
	if err := os.Chdir(i.dir); err != nil {
		return fmt.Errorf("entering the project: %w", err)
	}
	where, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("entering the project: %w", err)
	}
	fmt.Fprintf(out, "Created project directory at '%s'.\nFinished creating project structure.\n", where)
	train := true
	if i.asking {
		if train, err = i.prompt.confirm("Do you want to train an initial model?"); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	if !train {
		fmt.Fprintln(out, "No problem. You can also train a model later by going to the project directory and running 'parley train'.")
		return nil
	}
	fmt.Fprintln(out, "Training an initial model...")
	err = i.app.train(ctx, &trainFlags{nlu: true, core: true, validation: validation{skip: true}, augmentation: model.DefaultAugmentation,
		config: []string{defaultConfig}, domain: defaultDomain, data: []string{defaultData}, out: defaultModels})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "If you want to speak to the assistant, run 'parley shell' at any time inside the project directory.")
	return nil
}

// chooseFolder asks for the folder as far as the flags leave it open, and makes it.
func (i *initializer) chooseFolder() error {
	if i.dir == "" && i.asking {
		dir, err := i.prompt.line("Please enter a path where the project will be created [default: current directory]")
		if err != nil {
			return err
		}
		i.dir = dir
	}
	if i.dir == "" {
		i.dir = "."
	}
	info, err := os.Stat(i.dir)
	switch {
	case err == nil && info.IsDir():
		return i.confirmOverwriting()
	case !i.asking:
		fmt.Fprintf(i.app.out, "Project init path '%s' not found.\n", i.dir)
		return exitCode(exitError)
	}
	yes, err := i.prompt.confirm(fmt.Sprintf("Path '%s' does not exist. Create path?", i.dir))
	if err != nil {
		return err
	}
	if !yes {
		return io.EOF
	}
	if err := os.MkdirAll(i.dir, 0o755); err != nil {
		return fmt.Errorf("creating the project's folder: %w", err)
	}
	return nil
}

func (i *initializer) confirmOverwriting() error {
	entries, err := os.ReadDir(i.dir)
	if err != nil {
		return fmt.Errorf("reading the project's folder: %w", err)
	}
	if !i.asking || len(entries) == 0 {
		return nil
	}
	yes, err := i.prompt.confirm(fmt.Sprintf("Directory '%s' is not empty. Continue?", i.dir))
	if err == nil && !yes {
		err = io.EOF
	}
	return err
}

// writeStarter copies the starter bot into dir, over what is there.
func writeStarter(dir string) error {
	const root = "starter"
	err := fs.WalkDir(examples.Starter, root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		data, err := examples.Starter.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, 0o644)
	})
	if err != nil {
		return fmt.Errorf("writing the project: %w", err)
	}
	return nil
}
