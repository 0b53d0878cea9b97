// Package standard lists what this binary contains: importing it links and registers the implementations.
package standard
