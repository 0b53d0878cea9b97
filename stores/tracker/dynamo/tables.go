package dynamo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// creationLimit is how long it may take until a new table can be used.
const creationLimit = 2 * time.Minute

// tables knows which tables were seen.
type tables struct {
	client *dynamodb.Client

	mu   sync.Mutex
	seen map[string]bool
}

// keyed describes a table by its key and index.
func keyed(name string, attributes []types.AttributeDefinition, key []types.KeySchemaElement) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{TableName: &name, AttributeDefinitions: attributes, KeySchema: key, BillingMode: types.BillingModePayPerRequest}
}

func attribute(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind}
}

func hash(name string) types.KeySchemaElement {
	return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: types.KeyTypeHash}
}

func order(name string) types.KeySchemaElement {
	return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: types.KeyTypeRange}
}

// conversationsOf describes Rasa's table, and that of the outbox, which has the same key.
func conversationsOf(name string) *dynamodb.CreateTableInput {
	return keyed(name, []types.AttributeDefinition{attribute(fieldSender, types.ScalarAttributeTypeS)}, []types.KeySchemaElement{hash(fieldSender)})
}

func segmentsOf(name string) *dynamodb.CreateTableInput {
	return keyed(name,
		[]types.AttributeDefinition{attribute(fieldSender, types.ScalarAttributeTypeS), attribute(fieldSegment, types.ScalarAttributeTypeS)},
		[]types.KeySchemaElement{hash(fieldSender), order(fieldSegment)})
}

// need makes sure that a table exists and can be used. It asks once.
func (t *tables) need(ctx context.Context, table *dynamodb.CreateTableInput) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[*table.TableName] {
		return nil
	}
	found, err := t.exists(ctx, *table.TableName)
	if err == nil && !found {
		err = t.create(ctx, table)
	}
	if err != nil {
		return fmt.Errorf("preparing table %s: %w", *table.TableName, classify(err))
	}
	t.saw(*table.TableName)
	return nil
}

// has reports whether a table that is made on demand is there.
func (t *tables) has(ctx context.Context, name string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.seen[name] {
		return true, nil
	}
	found, err := t.exists(ctx, name)
	if err != nil {
		return false, fmt.Errorf("looking for table %s: %w", name, classify(err))
	}
	if found {
		t.saw(name)
	}
	return found, nil
}

func (t *tables) saw(name string) {
	if t.seen == nil {
		t.seen = map[string]bool{}
	}
	t.seen[name] = true
}

func (t *tables) exists(ctx context.Context, name string) (bool, error) {
	described, err := t.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return false, nil
	case err != nil:
		return false, err
	case described.Table.TableStatus == types.TableStatusActive || described.Table.TableStatus == types.TableStatusUpdating:
		return true, nil
	}
	return true, t.wait(ctx, name)
}

func (t *tables) create(ctx context.Context, table *dynamodb.CreateTableInput) error {
	_, err := t.client.CreateTable(ctx, table)
	var another *types.ResourceInUseException // another node makes it, too
	if err != nil && !errors.As(err, &another) {
		return err
	}
	return t.wait(ctx, *table.TableName)
}

func (t *tables) wait(ctx context.Context, name string) error {
	waiter := dynamodb.NewTableExistsWaiter(t.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, 2*time.Second
	})
	return waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, creationLimit)
}
