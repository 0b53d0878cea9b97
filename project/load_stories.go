package project

// LoadStories reads the stories and rules below paths for the domain of a model that was trained before. tests are those
// of files called test_*. Problems hold errors when not everything could be read; what is found of NLU data is passed
// over.
func LoadStories(paths []string, d *Domain) (all, tests Stories, ps Problems) {
	l := loader{}
	l.readFiles(dataFiles(paths, &l.ps))
	if !l.ps.HasErrors() {
		CheckStories(l.stories, d, &l.ps)
	}
	return l.stories, l.tests, l.ps.tidy()
}
