package redis

import (
	"context"
	_ "embed" // for the scripts
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/parleybot/parley/internal/redisclient"
	"github.com/parleybot/parley/stores"
)

var (
	//go:embed scripts/common.lua
	commonSource string
	//go:embed scripts/read.lua
	readSource string
	//go:embed scripts/append.lua
	appendSource string
	//go:embed scripts/replace.lua
	replaceSource string
	//go:embed scripts/delete.lua
	deleteSource string
	//go:embed scripts/settle.lua
	settleSource string
	//go:embed scripts/timers.lua
	timersSource string
)

var (
	readScript    = redis.NewScript(commonSource + readSource)
	appendScript  = redis.NewScript(commonSource + appendSource)
	replaceScript = redis.NewScript(commonSource + replaceSource)
	deleteScript  = redis.NewScript(commonSource + deleteSource)
	settleScript  = redis.NewScript(commonSource + settleSource)
	timersScript  = redis.NewScript(timersSource)
)

// failure names the step of an error and tells whether the back end is out of reach.
func failure(step string, err error) error {
	if redisclient.Unavailable(err) {
		return fmt.Errorf("%s: %w: %w", step, stores.ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", step, err)
}

// write runs a script that changes a conversation and waits for replicas if that is configured.
func (l *Log) write(ctx context.Context, script *redis.Script, names []string, args ...any) ([]any, error) {
	if l.cfg.WaitReplicas == 0 {
		return script.Run(ctx, l.client, names, args...).Slice()
	}
	var node redis.Cmdable = l.client
	cluster, isCluster := l.client.UniversalClient.(*redis.ClusterClient)
	if isCluster {
		master, err := cluster.MasterForKey(ctx, names[0])
		if err != nil {
			return nil, err
		}
		node = master
	}
	result, err := l.writeAndWait(ctx, node, script.EvalSha, names, args)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		result, err = l.writeAndWait(ctx, node, script.Eval, names, args)
	}
	if isCluster && redis.HasErrorPrefix(err, "MOVED") {
		cluster.ReloadState(ctx)
	}
	return result, err
}

type runScript func(ctx context.Context, c redis.Scripter, names []string, args ...any) *redis.Cmd

// errFewReplicas is about a write that took place, so that it may be lost if the master is.
var errFewReplicas = errors.New("the write did not reach as many replicas as wait_replicas wants")

// writeAndWait sends both commands at once: WAIT is about what its own connection has written.
func (l *Log) writeAndWait(ctx context.Context, node redis.Cmdable, run runScript, names []string, args []any) ([]any, error) {
	pipe := node.Pipeline()
	written := run(ctx, pipe, names, args...)
	reached := pipe.Do(ctx, "WAIT", l.cfg.WaitReplicas, l.cfg.WaitTimeout.Milliseconds())
	// The commands have the errors of their own.
	_, _ = pipe.Exec(ctx)
	result, err := written.Slice()
	if err != nil {
		return nil, err
	}
	n, err := reached.Int()
	if err != nil {
		return nil, fmt.Errorf("waiting for replicas: %w", err)
	}
	if isDone(result) && n < l.cfg.WaitReplicas {
		return nil, fmt.Errorf("%w: %d of %d after %v", errFewReplicas, n, l.cfg.WaitReplicas, l.cfg.WaitTimeout)
	}
	return result, nil
}

// isDone tells the result of a script that wrote from that of one that was refused.
func isDone(result []any) bool { return len(result) > 1 }
