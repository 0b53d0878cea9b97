package server

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

var errStop = errors.New("stopped")

type contextKey struct{}

func TestLimit(t *testing.T) {
	for _, c := range []struct {
		name string
		// watched calls Done before anything else happens.
		watched bool
		end     func(parent context.CancelCauseFunc)
		want    error
	}{
		{"nothing happens", false, func(context.CancelCauseFunc) {}, nil},
		{"nothing happens to one that is watched", true, func(context.CancelCauseFunc) {}, nil},
		{"the parent ends", false, func(end context.CancelCauseFunc) { end(errStop) }, context.Canceled},
		{"the parent ends of one that is watched", true, func(end context.CancelCauseFunc) { end(errStop) }, context.Canceled},
		{"time is up", false, func(context.CancelCauseFunc) { time.Sleep(2 * time.Minute) }, context.DeadlineExceeded},
		{"time is up for one that is watched", true, func(context.CancelCauseFunc) { time.Sleep(2 * time.Minute) }, context.DeadlineExceeded},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				parent, end := context.WithCancelCause(context.WithValue(t.Context(), contextKey{}, "v"))
				defer end(nil)
				until := time.Now().Add(time.Minute)
				ctx := limit(parent, until)
				defer ctx.release()
				deadline, ok := ctx.Deadline()
				require.True(t, ok)
				require.Equal(t, until, deadline)
				if c.watched {
					ctx.Done()
				}
				c.end(end)
				synctest.Wait()
				require.ErrorIs(t, ctx.Err(), c.want)
				require.Equal(t, "v", ctx.Value(contextKey{}))
				child, cancel := context.WithCancel(ctx)
				defer cancel()
				require.ErrorIs(t, child.Err(), c.want)
				if c.want == nil {
					return
				}
				<-ctx.Done()
				<-child.Done()
				require.ErrorIs(t, ctx.Err(), c.want)
				if errors.Is(c.want, context.Canceled) {
					require.ErrorIs(t, context.Cause(ctx), errStop)
					require.ErrorIs(t, context.Cause(child), errStop)
				}
			})
		})
	}
}
