package value

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMapOrder(t *testing.T) {
	for _, size := range []int{3, smallMap, smallMap + 1, 50} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			m := &Map{}
			for i := range size {
				m.Set(strconv.Itoa(i), int64(i))
			}
			m.Set("1", "changed")
			m.Delete("0")
			m.Delete("missing")
			m.Set("0", "again")
			keys := m.Keys()
			assert.Equal(t, size, m.Len())
			assert.Equal(t, "1", keys[0])
			assert.Equal(t, "0", keys[size-1])
			assert.Equal(t, "changed", m.Value("1"))
			assert.Equal(t, "again", m.String("0"))
			assert.Equal(t, int64(2), m.Value("2"))
			assert.False(t, m.Has("missing"))
		})
	}
}

func TestMapNil(t *testing.T) {
	var m *Map
	assert.Zero(t, m.Len())
	assert.Nil(t, m.Value("a"))
	assert.Empty(t, m.Keys())
	assert.Nil(t, m.Map("a").List("b"))
	assert.Zero(t, m.Clone().Len())
}

func TestMapCloneAndUpdate(t *testing.T) {
	m := NewMap("a", int64(1), "b", int64(2))
	c := m.Clone().Update(NewMap("b", int64(3), "c", int64(4)))
	assert.Equal(t, "{'a': 1, 'b': 2}", Repr(m))
	assert.Equal(t, "{'a': 1, 'b': 3, 'c': 4}", Repr(c))
}
