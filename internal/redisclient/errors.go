package redisclient

import (
	"context"
	"errors"
	"strings"

	"github.com/redis/go-redis/v9"
)

// refusals are the beginnings of answers by which a server says that it cannot serve at the moment.
var refusals = []string{"LOADING", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "TRYAGAIN", "NOREPLICAS", "BUSY", "MISCONF", "OOM",
	"MOVED", "ASK", "max number of clients reached"}

// Unavailable reports whether err, of a command, means that Redis cannot be reached, does not answer in time or cannot
// serve at the moment. Stores wrap stores.ErrUnavailable then. A command may have been carried out nevertheless. What
// servers refuse for good is not among it (a wrong password, a script with a mistake), nor is a caller that gave up.
func Unavailable(err error) bool {
	var answer redis.Error
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return false
	case errors.As(err, &answer): // redis.Nil is one, too
		return refused(answer)
	default: // the library has many errors of broken, closed and missing connections, some of them mere texts
		return true
	}
}

func refused(answer redis.Error) bool {
	for _, code := range refusals {
		// Before version 7 the errors of a script's commands are quoted in one of the script.
		if redis.HasErrorPrefix(answer, code) || strings.Contains(answer.Error(), ": -"+code+" ") {
			return true
		}
	}
	return false
}
