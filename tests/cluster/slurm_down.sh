#!/bin/bash
# Stops what slurm_up.sh started in FOLDER, and its jobs.
folder=$1
[ "$(readlink -f /etc/slurm/slurm.conf)" = "$(readlink -f "$folder")/slurm.conf" ] || exit 0  # another Slurm
squeue -h -o %i | xargs -r scancel; sleep 1
for daemon in slurmd slurmctld; do
  [ -s "$folder/$daemon.pid" ] || continue
  pid=$(cat "$folder/$daemon.pid")
  kill "$pid"
  while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done  # it writes until it ends
done
rm -rf "$folder" /etc/slurm/slurm.conf /etc/slurm/gres.conf
