package dynamo

import (
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/parleybot/parley/internal/testservers"
	"github.com/parleybot/parley/stores"
	"github.com/parleybot/parley/stores/eventlog"
	"github.com/parleybot/parley/stores/storetest"
)

// client returns a client of the server that all tests share.
func client(t *testing.T, change ...func(*dynamodb.Options)) *dynamodb.Client {
	t.Helper()
	endpoint := testservers.DynamoDB(t)
	options := dynamodb.Options{Region: DefaultRegion, BaseEndpoint: &endpoint, HTTPClient: awshttp.NewBuildableClient().WithTimeout(callTimeout), Retryer: retryer(),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
	return dynamodb.New(options, change...)
}

func TestStore(t *testing.T) {
	for name, bytes := range map[string]int{"whole": 0, "segments": 3000} {
		t.Run(name, func(t *testing.T) {
			storetest.Trackers(t, func(t *testing.T) storetest.Place {
				table := testservers.Name(t)
				return func() stores.TrackerStore {
					return eventlog.New(Open(Config{Client: client(t), Table: table, SegmentBytes: bytes}), eventlog.Config{})
				}
			})
		})
	}
}
