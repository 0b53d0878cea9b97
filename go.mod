module github.com/parleybot/parley

go 1.26
