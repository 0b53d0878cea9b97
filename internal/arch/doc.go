// Package arch keeps the direction of the arrows between the packages of this module. It holds no code, only a test:
// each package is placed by one line of the table in rules_test.go, which says what it may import and why. A package
// that no line places fails the test, so that a new one gets its place before it gets its users.
package arch
