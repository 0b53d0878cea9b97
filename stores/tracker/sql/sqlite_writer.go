package sql

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/parleybot/parley/stores"
)

// maxGroup is how many jobs are committed together at most.
const maxGroup = 128

// job is something to be done in a transaction. It must be safe to run again after a rollback.
type job struct {
	run  func(c *sqliteConn) error
	done chan error
	// taken is set by the writer that begins with the job or by the caller who does not want to wait any more.
	taken atomic.Bool
}

// submit has the writer run something and waits for the commit. A job that was begun is waited for even if ctx ends, so that
// its outcome is known; it takes no longer than the disk and other processes do.
func (e *sqliteEngine) submit(ctx context.Context, run func(c *sqliteConn) error) error {
	j := &job{run: run, done: make(chan error, 1)}
	select {
	case <-e.quit:
		return errClosed
	default:
	}
	select {
	case e.jobs <- j:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.quit:
		return errClosed
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		if j.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
	case <-e.stopped:
		if j.taken.CompareAndSwap(false, true) {
			return errClosed
		}
	}
	return <-j.done
}

// writeJobs is the writer. It ends when the engine is closed and what arrived before is done.
func (e *sqliteEngine) writeJobs(c *sqliteConn) {
	defer close(e.stopped)
	defer func() { e.closeErr = c.close() }()
	for {
		select {
		case j := <-e.jobs:
			runGroup(c, e.waiting(j))
		case <-e.quit:
			for len(e.jobs) > 0 {
				runGroup(c, e.waiting(<-e.jobs))
			}
			return
		}
	}
}

// waiting returns j and the jobs behind it that are still wanted.
func (e *sqliteEngine) waiting(j *job) []*job {
	var group []*job
	for {
		if j.taken.CompareAndSwap(false, true) {
			group = append(group, j)
		}
		if len(group) == maxGroup {
			return group
		}
		select {
		case j = <-e.jobs:
		default:
			return group
		}
	}
}

// runGroup commits jobs together. A job that is refused changed nothing and is only left out; when one fails otherwise,
// the jobs are run again one by one, so that it does the others no harm.
func runGroup(c *sqliteConn, group []*job) {
	if len(group) == 0 {
		return
	}
	results, err := tryGroup(c, group)
	if err != nil && len(group) > 1 {
		for _, j := range group {
			runGroup(c, []*job{j})
		}
		return
	}
	for i, j := range group {
		if err != nil {
			j.done <- err
			continue
		}
		j.done <- results[i]
	}
}

// tryGroup runs jobs in a transaction. With an error none of them was committed.
func tryGroup(c *sqliteConn, group []*job) ([]error, error) {
	if err := c.run(&statement{text: "BEGIN IMMEDIATE"}); err != nil {
		return nil, err
	}
	results := make([]error, len(group))
	for i, j := range group {
		results[i] = j.run(c)
		if results[i] != nil && !errors.Is(results[i], stores.ErrConflict) {
			return nil, abort(c, results[i])
		}
	}
	if err := c.run(&statement{text: "COMMIT"}); err != nil {
		return nil, abort(c, err)
	}
	return results, nil
}

// abort ends a transaction that failed. SQLite may have ended it already.
func abort(c *sqliteConn, cause error) error {
	_ = c.run(&statement{text: "ROLLBACK"})
	return cause
}
