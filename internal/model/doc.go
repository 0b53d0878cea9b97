// Package model turns a project into a trained archive and an archive into a model that can be served. Every trained
// part is kept with a fingerprint of what it was trained from; training takes over what did not change from an earlier
// archive and says so.
package model
