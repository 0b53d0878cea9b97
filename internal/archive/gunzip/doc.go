// Package gunzip unpacks gzip files (RFC 1951, RFC 1952) whose data hardly repeats, such as trained weights, in half of
// the time of the libraries: nearly all symbols are literals, of which up to three are decoded from one load of eight
// bytes (the way of https://github.com/ebiggers/libdeflate). It gives what compress/gzip gives, checksums included.
package gunzip
