# Read by lock and fetch: apt with a state of its own, for Debian 13 arm64, from the mirror that this machine is set up with.
# shellcheck shell=bash

suite=trixie
work=$PWD/build/image
state=$work/apt

# The mirrors are those of this machine's own apt, whichever Debian it runs: one of the archive, one of its security updates.
mirror() {
    local found
    # shellcheck disable=SC2016 # the words in brackets are apt's
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' "Label: $1" | sort -u | head -n 1)
    [ -n "$found" ] || {
        echo "apt on this machine knows no mirror of $1: it needs one in its sources, and 'apt-get update'" >&2
        exit 1
    }
    echo "$found"
}

open_archive() {
    local archive security signed
    archive=$(mirror Debian)
    security=$(mirror Debian-Security)
    signed='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]'
    mkdir -p "$state"/lists/partial "$state"/cache/archives/partial "$state"/etc
    : >"$state/status"
    cat >"$state/etc/sources.list" <<EOF
deb $signed $archive $suite main non-free-firmware
deb $signed $archive $suite-updates main non-free-firmware
deb $signed $security $suite-security main non-free-firmware
EOF
    # The machine's own settings stay in force: they may name a proxy.
    cat >"$state/etc/apt.conf" <<EOF
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::ForceHash "SHA256";
Acquire::Languages "none";
Dir::State "$state";
Dir::State::lists "$state/lists";
Dir::State::status "$state/status";
Dir::Cache "$state/cache";
Dir::Cache::archives "$state/cache/archives";
Dir::Etc::sourcelist "$state/etc/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
EOF
    export APT_CONFIG=$state/etc/apt.conf
    apt-get --quiet=2 update
}

# The names of one kind in the list of wanted packages.
wanted() { sed -n "s/^$1 //p" image/packages.txt; }
