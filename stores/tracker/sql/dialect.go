package sql

import (
	"strings"
	"time"

	"github.com/parleybot/parley/dialogue/tracker"
	"github.com/parleybot/parley/internal/value"
	"github.com/parleybot/parley/stores"
)

// dialect is how a database says what SQL leaves open.
type dialect struct {
	// name is the word before ":" in Rasa's URLs.
	name string
	// binary tells that texts have to be compared by their bytes explicitly, because the column's own order takes some
	// letters for others.
	binary bool
	// ids lists conversations behind one, in the order of their bytes, of a table s whose column is id; %s stands for a
	// further condition.
	ids string
	// exists counts tables of a name.
	exists string
	// joined joins the column data of a table e by commas, in the order of ids.
	joined string
	// set makes or replaces a timer. claim lends timers until ready that are due; its last statement returns them.
	set   string
	claim func(now, ready, limit int64) []*statement
	// slack is how much a timestamp may be off, in seconds.
	slack float64
	// schema has the statements that make each table.
	schema map[string][]string
}

// clause is a condition with its parameters.
type clause struct {
	text string
	args []any
}

// who is the condition for rows of a conversation.
func (d *dialect) who(senderID string) clause {
	c := d.whoAs("events")
	c.args = []any{senderID}
	if d.binary {
		c.args = append(c.args, senderID)
	}
	return c
}

// whoAs is the text of who for a table of another name.
func (d *dialect) whoAs(table string) clause {
	if d.binary {
		return clause{text: table + ".sender_id = ? AND CAST(CONVERT(" + table + ".sender_id USING utf8mb4) AS BINARY) = CAST(? AS BINARY)"}
	}
	return clause{text: table + ".sender_id = ?"}
}

// sameAs is the condition that rows of a table are of the conversation in column other, which is compared by its bytes.
func (d *dialect) sameAs(table, other string) string {
	if d.binary {
		return table + ".sender_id = CONVERT(" + other + " USING utf8mb4) AND CAST(CONVERT(" + table + ".sender_id USING utf8mb4) AS BINARY) = " + other
	}
	return table + ".sender_id = " + other
}

// tableExists returns a statement that looks for a table, and where it says whether there is one.
func (d *dialect) tableExists(name string) (*bool, *statement) {
	found := new(bool)
	return found, &statement{text: d.exists, args: []any{name}, row: func(scan func(...any) error) error {
		var n int64
		err := scan(&n)
		*found = n > 0
		return err
	}}
}

// search returns a condition that no conversation fails that q means; others may pass. Slots are not looked for: they may
// have a value that no event gave them.
func (d *dialect) search(q stores.Query) clause {
	var c clause
	add := func(condition string, args ...any) {
		c.text += " AND " + condition
		c.args = append(c.args, args...)
	}
	same := d.sameAs("x", "s.id")
	seconds := func(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
	if !q.Since.IsZero() {
		add("EXISTS (SELECT 1 FROM events x WHERE "+same+" AND x.timestamp >= ?)", seconds(q.Since)-d.slack)
	}
	if !q.Until.IsZero() {
		add("EXISTS (SELECT 1 FROM events x WHERE "+same+" AND x.timestamp <= ?)", seconds(q.Until)+d.slack)
	}
	if q.Intent != "" {
		add("EXISTS (SELECT 1 FROM events x WHERE "+same+" AND x.intent_name = ?)", q.Intent)
	}
	if q.Channel != "" {
		data := string(value.Encode(value.NewMap("input_channel", q.Channel), value.JSON))
		add("EXISTS (SELECT 1 FROM events x WHERE "+same+" AND x.type_name = ? AND x.data LIKE ? ESCAPE '!')",
			tracker.TypeUser, "%"+literally(data[1:len(data)-1])+"%")
	}
	if pattern := anyCase(q.Text); strings.Trim(pattern, "%") != "" {
		add("EXISTS (SELECT 1 FROM events x WHERE "+same+" AND x.type_name IN (?, ?) AND lower(x.data) LIKE ? ESCAPE '!')",
			tracker.TypeUser, tracker.TypeBot, pattern)
	}
	return c
}

// literally writes a text for LIKE.
func literally(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

// anyCase is a pattern for texts of events that contain s, case aside. Letters that stand in JSON under another name match
// anything, and so do "i" and "k", which are the lower case of letters beyond ASCII as well.
func anyCase(s string) string {
	var b strings.Builder
	b.WriteByte('%')
	for _, r := range strings.ToLower(s) {
		switch {
		case r < ' ' || r > '~' || r == '"' || r == '\\' || r == 'i' || r == 'k':
			b.WriteByte('%')
		default:
			b.WriteString(literally(string(r)))
		}
	}
	b.WriteByte('%')
	return b.String()
}
