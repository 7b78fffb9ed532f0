// Command kubectl is Kubernetes' own: k8s.io/kubernetes/cmd/kubectl without the
// module of the whole of Kubernetes, which could not be required here as it is.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
