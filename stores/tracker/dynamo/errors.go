package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/parleybot/parley/stores"
)

// classify makes errors that may pass wrap stores.ErrUnavailable: everything but what DynamoDB says of the request itself.
func classify(err error) error {
	if err == nil || errors.Is(err, stores.ErrUnavailable) || errors.Is(err, stores.ErrConflict) {
		return err
	}
	var said smithy.APIError
	if errors.As(err, &said) {
		switch said.ErrorCode() {
		case "ValidationException", "SerializationException", "ItemCollectionSizeLimitExceededException":
			return err
		}
	}
	return fmt.Errorf("%w: %w", stores.ErrUnavailable, err)
}

// refused reports whether the condition of a write did not hold.
func refused(err error) bool {
	var one *types.ConditionalCheckFailedException
	return errors.As(err, &one) || reasons(err)["ConditionalCheckFailed"]
}

// busy reports whether a write collided with a transaction, or the other way round, and did not take place. It may be
// tried again at once.
func busy(err error) bool {
	var one *types.TransactionConflictException
	var running *types.TransactionInProgressException
	return errors.As(err, &one) || errors.As(err, &running) || reasons(err)["TransactionConflict"]
}

// tooLarge reports whether an item would be larger than DynamoDB takes.
func tooLarge(err error) bool {
	var said smithy.APIError
	if !errors.As(err, &said) {
		return false
	}
	return strings.Contains(said.ErrorMessage(), "size") && (said.ErrorCode() == "ValidationException" || reasons(err)["ValidationError"])
}

// reasons returns why a transaction was cancelled.
func reasons(err error) map[string]bool {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return nil
	}
	codes := map[string]bool{}
	for _, r := range cancelled.CancellationReasons {
		if r.Code != nil {
			codes[*r.Code] = true
		}
	}
	return codes
}

// attempts is how often a call is made that collides with transactions.
const attempts = 8

// insist calls f again while it collides with transactions of others.
func insist(ctx context.Context, f func() error) error {
	var err error
	for i := range attempts {
		if err = f(); !busy(err) {
			return err
		}
		wait := time.Duration(rand.Int64N(int64(5*time.Millisecond) << i))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
	return err
}

// longestPause is how long a request waits at most before it is sent again: a user waits, too.
const longestPause = 500 * time.Millisecond

// retryer says which requests are sent again: those that failed on the way, were turned away or met a server in trouble.
func retryer(change ...func(*retry.StandardOptions)) aws.Retryer {
	return retry.NewStandard(append(change, func(o *retry.StandardOptions) { o.MaxBackoff = longestPause })...)
}

// once makes the library repeat a write only if it was turned away for the time being. A write that got no answer may have
// taken place; repeated, its condition would fail and the turn be taken for refused. Transactions need this not, since
// DynamoDB recognises them.
func once(o *dynamodb.Options) {
	o.Retryer = retryer(func(o *retry.StandardOptions) {
		o.Retryables = []retry.IsErrorRetryable{retry.RetryableErrorCode{Codes: retry.DefaultThrottleErrorCodes}}
	})
}
