// Package component is the one pattern by which parley's parts are named in configuration files, documented, checked
// and built: NLU components, policies, channels, stores and brokers.
//
// A part describes itself by a Spec, decodes its options into a typed struct with Decode, and is registered under the
// word users write in config.yml. A Registry is a value; each kind's root package holds a default one, and tests build
// small ones. The package knows no concrete part and imports only internal/value.
package component
