// The proxies that Go's own clients choose, to test how this project reads the same variables.
//
//	go mod init golden && go get golang.org/x/net/http/httpproxy@v0.62.0
//	go run proxy-golden.go < proxy-golden.json > answered.json
//
// It reads the variables and URLs of each case and fills in the answers; null is a direct connection.
package main

import (
	"encoding/json"
	"net/url"
	"os"

	"golang.org/x/net/http/httpproxy"
)

type group struct {
	Variables map[string]string  `json:"variables"`
	Proxies   map[string]*string `json:"proxies"`
}

type golden struct {
	Source string  `json:"source"`
	Cases  []group `json:"cases"`
}

func main() {
	var table golden
	check(json.NewDecoder(os.Stdin).Decode(&table))
	for _, each := range table.Cases {
		os.Clearenv()
		for name, value := range each.Variables {
			check(os.Setenv(name, value))
		}
		choose := httpproxy.FromEnvironment().ProxyFunc()
		for text := range each.Proxies {
			target, err := url.Parse(text)
			check(err)
			each.Proxies[text] = answer(choose, target)
		}
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	check(encoder.Encode(table))
}

func answer(choose func(*url.URL) (*url.URL, error), target *url.URL) *string {
	proxy, err := choose(target)
	check(err)
	if proxy == nil {
		return nil
	}
	text := proxy.String()
	return &text
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
