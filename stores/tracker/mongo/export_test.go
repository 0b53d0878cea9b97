package mongo

// SetBytesLimit changes from which size on a list of events is cut.
func (l *Log) SetBytesLimit(n int) { l.bytesLimit = n }
