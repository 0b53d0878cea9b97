// Package validate finds what is wrong in a project before it is trained: everything that `rasa data validate` finds
// (rasa/validator.py and rasa/cli/utils.py validate_files, 3.6.21), with the place it was written at, and what Rasa
// passes over until training fails or the bot misbehaves: rules that contradict each other, slots and entities that do
// not exist, components nobody has, patterns that are no regular expressions, and names that nothing uses.
//
// A Finding is an error exactly if it makes Rasa's command fail in the same situation; what Rasa does not find is a
// warning unless Options.Strict asks for more. The package trains no component: only policies that learn rules are
// trained, because that is how contradictions are found.
package validate
