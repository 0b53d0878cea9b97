package standard

import (
	// The stores, locks, brokers and inboxes of this binary.
	_ "github.com/parleybot/parley/stores/broker/file"
	_ "github.com/parleybot/parley/stores/broker/kafka"
	_ "github.com/parleybot/parley/stores/broker/nats"
	_ "github.com/parleybot/parley/stores/broker/rabbitmq"
	_ "github.com/parleybot/parley/stores/broker/sql"
	_ "github.com/parleybot/parley/stores/inbox/memory"
	_ "github.com/parleybot/parley/stores/inbox/nats"
	_ "github.com/parleybot/parley/stores/lock/memory"
	_ "github.com/parleybot/parley/stores/lock/redis"
	_ "github.com/parleybot/parley/stores/tracker/dynamo"
	_ "github.com/parleybot/parley/stores/tracker/memory"
	_ "github.com/parleybot/parley/stores/tracker/mongo"
	_ "github.com/parleybot/parley/stores/tracker/redis"
	_ "github.com/parleybot/parley/stores/tracker/sql"
	_ "github.com/parleybot/parley/stores/tracker/sqlite"
)
