//go:build amd64 && !purego

package f32

// compressedMul transposes the rows of x in groups as wide as a vector, so that one multiply-add serves them all.
func compressedMul(c *Compressed, dst, x Mat, add bool) {
	if !haveAVX2 || len(c.val) == 0 {
		compressedMulGo(c, dst, x, add)
		return
	}
	group := 8
	if haveAVX512 && x.Rows > 8 {
		group = 16
	}
	s := getScratch((c.rows+c.cols)*group + 8*max(c.rows, c.cols))
	in, out, strip := s.data[:c.rows*group], s.data[c.rows*group:(c.rows+c.cols)*group], s.data[(c.rows+c.cols)*group:]
	for from := 0; from < x.Rows; from += group {
		rows := min(group, x.Rows-from)
		for i := 0; i < rows; i += 8 {
			raise(in[i:], group, x.SliceRows(from+i, from+min(i+8, rows)), strip)
		}
		if group == 16 {
			compressed512(&out[0], &in[0], &c.colPtr[0], &c.place[0], c.cols, &c.row[0], &c.val[0])
		} else {
			compressed256(&out[0], &in[0], &c.colPtr[0], &c.place[0], c.cols, &c.row[0], &c.val[0])
		}
		for i := 0; i < rows; i += 8 {
			lay(dst.SliceRows(from+i, from+min(i+8, rows)), out[i:], group, strip, add)
		}
	}
	s.put()
}

// raise writes up to eight rows as columns, stride elements apart. Rows that are missing become whatever strip holds.
func raise(columns []float32, stride int, rows Mat, strip []float32) {
	if rows.Rows < 8 {
		eight := Wrap(8, rows.Cols, strip[:8*rows.Cols])
		eight.SliceRows(0, rows.Rows).CopyFrom(rows)
		rows = eight
	}
	transpose(Mat{Rows: rows.Cols, Cols: 8, Stride: stride, Data: columns}, rows)
}

// lay writes columns, stride elements apart, to up to eight rows, or adds them.
func lay(rows Mat, columns []float32, stride int, strip []float32, add bool) {
	sums := Mat{Rows: rows.Cols, Cols: 8, Stride: stride, Data: columns}
	if rows.Rows == 8 && !add {
		transpose(rows, sums)
		return
	}
	eight := Wrap(8, rows.Cols, strip[:8*rows.Cols])
	transpose(eight, sums)
	if !add {
		rows.CopyFrom(eight.SliceRows(0, rows.Rows))
		return
	}
	for i := range rows.Rows {
		vecAdd(rows.Row(i), rows.Row(i), eight.Row(i))
	}
}
