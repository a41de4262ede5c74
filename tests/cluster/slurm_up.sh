#!/bin/bash
# A one-node Slurm on loopback with N pretended GPUs, without systemd, cgroups or a database; for
# tests only, as root. Debian's packages are installed where they are missing.
#   slurm_up.sh FOLDER N [CPUS]
set -euo pipefail
folder=$1; n=$2; cpus=${3:-4}; host=$(hostname -s)
[ "$(id -u)" = 0 ] || { echo "slurm_up.sh writes /etc/slurm: run it as root, or in a container" >&2; exit 2; }
left=$(readlink -m /etc/slurm/slurm.conf)
if [ -L /etc/slurm/slurm.conf ] && { [ ! -e "$left" ] || grep -qx ClusterName=test "$left"; }; then
  "$(dirname "$0")/slurm_down.sh" "$(dirname "$left")"  # of a test that was killed
fi
[ -e /etc/slurm/slurm.conf ] && { echo "/etc/slurm/slurm.conf exists: this machine has a Slurm of its own" >&2; exit 2; }
if ! command -v slurmctld slurmd squeue > /dev/null; then
  command -v apt-get > /dev/null || { echo "no slurmctld, and no apt-get to install it with" >&2; exit 2; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client > /dev/null
fi
mkdir -p "$folder/state" "$folder/spool" /etc/slurm
for ((i = 0; i < n; i++)); do ln -sf /dev/null "$folder/gpu$i"; done  # Slurm wants character devices
cat > "$folder/slurm.conf" <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
AuthType=auth/none
CredType=cred/none
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
ReturnToService=2
MpiDefault=none
MinJobAge=3600
GresTypes=gpu
NodeName=$host NodeAddr=127.0.0.1 CPUs=$cpus RealMemory=32000 Gres=gpu:$n State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
echo "NodeName=$host Name=gpu File=$folder/gpu[0-$((n - 1))]" > "$folder/gres.conf"
ln -sf "$folder/slurm.conf" "$folder/gres.conf" /etc/slurm/
slurmctld; slurmd
for _ in $(seq 300); do sinfo -h -o %t 2> /dev/null | grep -q idle && break; sleep 0.1; done
sinfo -o "%n %t %G %c"
