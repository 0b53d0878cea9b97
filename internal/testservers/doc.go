// Package testservers starts real servers for tests: Redis (alone, with TLS, as a cluster, under Sentinels), PostgreSQL,
// MariaDB, RabbitMQ, Kafka, DynamoDB Local and a server of MongoDB's protocol.
//
// Functions named like a server return the address of one that all tests of the process share: tests keep to names of
// their own (Name), or get a database of their own where the function says so. Functions ending in Server start one for
// the test alone, which it may kill, stop and start again. Ports are free ones, data lie in temporary directories, and
// nothing outlives the test's process, however it ends. A server that cannot be started fails the test.
//
// What is needed is installed by `make testservers`.
package testservers
