package main

import (
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// writeCredentials makes the API server's certificate, the key that signs the
// service accounts' tokens, and a token and a kubeconfig for each user.
func (c *cluster) writeCredentials() error {
	names := []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	ips := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)}
	// cert holds the serving certificate and the authority that signed it.
	cert, key, err := certutil.GenerateSelfSignedCertKey(*bind, ips, names)
	if err != nil {
		return err
	}
	signingKey, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		return err
	}
	tokens := ""
	for _, u := range []struct{ name, user, group string }{
		{"admin", "admin", "system:masters"},
		{"controller-manager", "system:kube-controller-manager", ""},
		{"scheduler", "system:kube-scheduler", ""},
	} {
		token := rand.Text()
		tokens += fmt.Sprintf("%s,%s,%s,%s\n", token, u.user, u.user, u.group)
		cfg := api.NewConfig()
		cfg.Clusters["testcluster"] = &api.Cluster{Server: c.server(), CertificateAuthorityData: cert}
		cfg.AuthInfos[u.name] = &api.AuthInfo{Token: token}
		cfg.Contexts[u.name] = &api.Context{Cluster: "testcluster", AuthInfo: u.name, Namespace: "default"}
		cfg.CurrentContext = u.name
		if err := clientcmd.WriteToFile(*cfg, c.path(u.name+".kubeconfig")); err != nil {
			return err
		}
	}
	for file, data := range map[string][]byte{
		"apiserver.crt": cert, "apiserver.key": key, "sa.key": signingKey, "tokens.csv": []byte(tokens),
	} {
		if err := os.WriteFile(c.path(file), data, 0o600); err != nil {
			return err
		}
	}
	admin, err := clientcmd.BuildConfigFromFlags("", c.path("admin.kubeconfig"))
	if err != nil {
		return err
	}
	c.client, err = rest.HTTPClientFor(admin)
	return err
}

// get says whether the administrator gets 200 for a path of the API.
func (c *cluster) get(path string) bool {
	resp, err := c.client.Get(c.server() + path)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// publishKubeconfig copies the administrator's kubeconfig to a file that appears whole.
func (c *cluster) publishKubeconfig(file string) error {
	data, err := os.ReadFile(c.path("admin.kubeconfig"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(file+".tmp", data, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".tmp", file)
}
