#!/bin/bash
# Stops what slurm_up.sh started in FOLDER, and its jobs; also what is left of a test that was killed.
folder=$1
[ "$(readlink -m /etc/slurm/slurm.conf)" = "$(readlink -m "$folder")/slurm.conf" ] || exit 0  # another Slurm
pgrep -x slurmctld > /dev/null && squeue -h -o %i | xargs -r scancel && sleep 1
for daemon in slurmd slurmctld; do
  pkill -x "$daemon"
  for _ in $(seq 100); do pgrep -x "$daemon" > /dev/null || break; sleep 0.1; done  # it writes until it ends
done
rm -rf "$folder" /etc/slurm/slurm.conf /etc/slurm/gres.conf
