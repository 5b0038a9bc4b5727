// Added to KWOK's package server: a failed command's exit status reaches the client of exec, which KWOK's own error hides.
package server

import (
	"errors"
	osexec "os/exec"

	k8sexec "k8s.io/utils/exec"
)

func exitStatus(err error) error {
	var failed *osexec.ExitError
	if errors.As(err, &failed) && failed.Exited() {
		return k8sexec.CodeExitError{Err: err, Code: failed.ExitCode()}
	}
	return err
}
