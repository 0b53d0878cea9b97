package training

import (
	"slices"
	"strconv"
	"strings"

	"github.com/parleybot/parley/dialogue/policy/state"
	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/project"
)

// Options say how conversations are generated.
type Options struct {
	// Augmentation is the number of whole stories that are glued before others in each round (`--augmentation`,
	// augmentation_factor); up to ten times as many glued conversations are kept. 0 glues none.
	Augmentation int
	// Apart keeps stories apart and in order, as tests want them (use_story_concatenation=False).
	Apart bool
}

// Data are the conversations to learn from.
type Data struct {
	Domain *project.Domain
	// Trackers are those of the stories, then those of the rules.
	Trackers []*Tracker
	// Warnings tell of checkpoints that lead nowhere.
	Warnings project.Problems

	unpredictable map[*tracker.ActionExecuted]bool
}

// Unpredictable reports whether e is the first action of a story without a message before it, which cannot be learned.
func (d *Data) Unpredictable(e *tracker.ActionExecuted) bool { return d.unpredictable[e] }

// Generate makes all conversations that the stories describe (TrainingDataGenerator.generate).
func Generate(d *project.Domain, stories project.Stories, o Options) *Data {
	g := newGenerator(d, stories, o)
	g.data.Trackers = append(g.run(false), g.run(true)...)
	return g.data
}

func newGenerator(d *project.Domain, stories project.Stories, o Options) *generator {
	g := &generator{
		domain: d, options: o, factory: tracker.NewFactory(d), feats: state.NewFeaturizer(d),
		graph:  newGraph(stepsOf(d, stories), nil).withoutCycles(),
		random: newRandom(42), seen: map[string]bool{},
		data: &Data{Domain: d, unpredictable: map[*tracker.ActionExecuted]bool{}},
	}
	g.markUnpredictable()
	return g
}

type generator struct {
	// keepDuplicates goes on with conversations that are the same so far.
	keepDuplicates bool

	domain  *project.Domain
	options Options
	factory *tracker.Factory
	feats   *state.Featurizer
	graph   *graph
	random  *random
	data    *Data
	// seen are the keys of finished conversations.
	seen map[string]bool
}

func (g *generator) markUnpredictable() {
	for _, s := range g.graph.steps {
		if !hasName(*s.starts, storyStart) {
			continue
		}
	events:
		for _, e := range s.events {
			switch e := e.(type) {
			case *tracker.UserUttered:
				break events
			case *tracker.ActionExecuted:
				g.data.unpredictable[e] = true
				break events
			}
		}
	}
}

// active are the conversations that wait at a checkpoint, by its name; names keeps their order.
type active struct {
	at    map[string][]*Tracker
	names []string
}

func newActive() *active { return &active{at: map[string][]*Tracker{}} }

func (a *active) add(name string, ts ...*Tracker) {
	if _, ok := a.at[name]; !ok {
		a.names = append(a.names, name)
	}
	a.at[name] = append(a.at[name], ts...)
}

func (a *active) count() int {
	n := 0
	for _, ts := range a.at {
		n += len(ts)
	}
	return n
}

// run generates the conversations of all stories, or of all rules.
func (g *generator) run(rules bool) []*Tracker {
	var steps []*step
	for _, s := range g.graph.order {
		if s.rule == rules {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 {
		return nil
	}
	r := &round{g: g, active: newActive(), used: map[string]bool{}}
	r.active.add(storyStart, newTracker(g.factory, g.feats, rules))
	rounds := 0
	if !rules && g.options.Augmentation > 0 {
		rounds = 3
	}
	for phase := 0; !r.complete || phase < rounds; {
		if r.active.count() == 0 {
			break
		}
		r.unused = nil
		for _, s := range steps {
			r.process(s)
		}
		phase++
		if !r.complete && r.prepareNext() {
			phase = 0
		}
		if r.complete {
			r.used = map[string]bool{}
			r.active = r.glued()
		}
	}
	g.warn(r.previous)
	return g.limit(append(r.finished, r.ended...))
}

// limit keeps all original conversations and a sample of the glued ones.
func (g *generator) limit(all []*Tracker) []*Tracker {
	if g.options.Augmentation <= 0 {
		return all
	}
	var original, augmented []*Tracker
	for _, t := range all {
		if t.Augmented {
			augmented = append(augmented, t)
		} else {
			original = append(original, t)
		}
	}
	return append(original, g.sample(augmented, g.options.Augmentation*10)...)
}

// sample shuffles list and returns its first n.
func (g *generator) sample(list []*Tracker, n int) []*Tracker {
	g.random.shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:min(n, len(list))]
}

// round is the state of one run through the steps.
type round struct {
	g        *generator
	active   *active
	used     map[string]bool
	unused   []string
	previous []string
	// complete is true once every checkpoint that can be reached was.
	complete bool
	// finished are conversations that cannot go on, ended those that reached the end of a story.
	finished, ended []*Tracker
}

func (r *round) process(s *step) {
	var incoming []*Tracker
	for _, start := range *s.starts {
		if waiting := r.active.at[start.name]; len(waiting) > 0 {
			incoming = append(incoming, r.g.passing(start, waiting)...)
			r.used[start.name] = true
		} else if !r.used[start.name] {
			r.unused = appendNew(r.unused, start.name)
		}
	}
	if len(incoming) == 0 {
		return
	}
	if !r.g.keepDuplicates {
		incoming = uniqueTrackers(incoming)
	}
	if r.complete {
		incoming = r.g.sample(incoming, r.g.options.Augmentation*10)
	}
	trackers, cut := r.g.tell(s, incoming)
	r.finished = append(r.finished, cut...)
	for _, end := range s.ends {
		name := startOf(r.g.graph.sources, end.name)
		r.active.add(name, trackers...)
		if r.used[name] {
			r.unused = appendNew(r.unused, name)
		}
	}
	if len(s.ends) > 0 {
		return
	}
	for _, t := range trackers {
		if key := strconv.FormatBool(t.Rule) + t.key(); !r.g.seen[key] {
			r.g.seen[key] = true
			r.ended = append(r.ended, t)
		}
	}
}

// prepareNext keeps the conversations that wait at checkpoints not used yet. It reports whether everything that can be
// reached was reached.
func (r *round) prepareNext() bool {
	for _, name := range r.active.names {
		if !r.used[name] {
			r.unused = appendNew(r.unused, name)
		}
	}
	next := newActive()
	for _, name := range r.unused {
		if name != storyStart {
			next.add(name, r.active.at[name]...)
		}
	}
	r.active = next
	r.complete = sameNames(r.unused, r.previous) || next.count() == 0
	r.previous = r.unused
	if r.complete {
		r.previous = slices.DeleteFunc(slices.Clone(r.previous), func(name string) bool { return r.used[name] })
		for _, name := range r.previous {
			r.finished = append(r.finished, next.at[name]...)
		}
	}
	return r.complete
}

// glued returns copies of finished stories, without their last action_listen, to tell others behind them.
func (r *round) glued() *active {
	next := newActive()
	if r.g.options.Apart {
		return next
	}
	for _, t := range r.g.sample(r.ended, r.g.options.Augmentation) {
		c := t.Copy()
		c.Name, c.Origins = "", nil
		c.Augmented = true
		c.Update(&tracker.ActionReverted{})
		next.add(storyStart, c)
	}
	return next
}

func appendNew(list []string, name string) []string {
	if slices.Contains(list, name) {
		return list
	}
	return append(list, name)
}

func sameNames(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(name string) bool { return !slices.Contains(b, name) })
}

// passing returns the conversations that satisfy the conditions of a start checkpoint.
func (g *generator) passing(c checkpoint, ts []*Tracker) []*Tracker {
	if len(c.conditions) == 0 {
		return ts
	}
	var out []*Tracker
	for _, t := range ts {
		ok := true
		for _, condition := range c.conditions {
			ok = ok && value.Equal(t.tracker.Slot(condition.Name), slotValue(g.domain, condition))
		}
		if ok {
			out = append(out, t)
		}
	}
	return out
}

func uniqueTrackers(ts []*Tracker) []*Tracker {
	seen := map[string]bool{}
	var out []*Tracker
	for _, t := range ts {
		if key := t.key(); !seen[key] {
			seen[key] = true
			out = append(out, t)
		}
	}
	return out
}

// tell appends the events of s to copies of the conversations. cut are the conversations as they were before an event
// that takes something back.
func (g *generator) tell(s *step, incoming []*Tracker) (trackers, cut []*Tracker) {
	events := g.explicit(s)
	if len(events) == 0 {
		return nil, nil
	}
	for _, t := range incoming {
		c := t.Copy()
		c.named(Origin{s.name, s.pos})
		trackers = append(trackers, c)
	}
	for _, e := range events {
		for _, t := range trackers {
			switch e.(type) {
			case *tracker.ActionReverted, *tracker.UserUtteranceReverted, *tracker.Restarted:
				cut = append(cut, t.Copy())
			}
			t.Update(e)
		}
	}
	return trackers, cut
}

// explicit adds the events that stories leave out: action_listen before each message and at the end, and the slots that
// entities set (StoryStep.explicit_events).
func (g *generator) explicit(s *step) []tracker.Event {
	var out []tracker.Event
	listen := func() {
		if n := len(out); n > 0 {
			if a, ok := out[n-1].(*tracker.ActionExecuted); ok && a.Name == tracker.ActionListen {
				return
			}
		}
		out = append(out, action(tracker.ActionListen))
	}
	for _, e := range s.events {
		u, ok := e.(*tracker.UserUttered)
		if ok {
			listen()
		}
		out = append(out, e)
		if ok {
			out = append(out, slotsForEntities(g.domain, u.Entities, s.rule)...)
		}
	}
	if len(s.ends) == 0 {
		listen()
	}
	return out
}

// warn tells of checkpoints that no story leads to or goes on from.
func (g *generator) warn(unused []string) {
	ws := &g.data.Warnings
	if slices.Contains(unused, storyStart) {
		ws.Warnf(project.Pos{}, "There is no starting story block in the training data. All your story blocks start "+
			"with some checkpoint. There should be at least one story block that starts without any checkpoint.")
	}
	once := map[string]bool{}
	for _, kind := range []string{"start", "end"} {
		for _, s := range g.graph.steps {
			list, other := *s.starts, "end"
			if kind == "end" {
				list, other = s.ends, "start"
			}
			for _, c := range list {
				key := kind + "\x00" + c.name + "\x00" + s.name
				if once[key] || !slices.Contains(unused, c.name) || strings.HasPrefix(c.name, generatedPrefix) || c.name == storyStart {
					continue
				}
				once[key] = true
				ws.Warnf(s.pos, "Unsatisfied %s checkpoint '%s' in block '%s'. Remove this checkpoint or add story blocks "+
					"that %s with this checkpoint.", kind, c.name, s.name, other)
			}
		}
	}
}
