#!/bin/sh
# Two bases for the image, made of Debian's packages where no registry can be reached:
# `localhost/debian` stands for debian:trixie-slim, and `localhost/distroless` for
# gcr.io/distroless/python3-debian13, which unpacks these packages and runs nothing of them.
# The folder named gets them, an engine's storage, and `podman`, which starts that engine.
set -eu
cd "$(dirname "$0")"
mkdir -p "../../$1" && cd "../../$1"
here=$(pwd)

cat >podman <<END
#!/bin/sh
exec podman --root $here/store --runroot $here/run --storage-driver vfs --runtime runc \
    --cgroup-manager cgroupfs "\$@"
END
chmod +x podman
if ./podman image exists localhost/distroless && ./podman image exists localhost/debian; then
    exit 0
fi

packages="base-files netbase tzdata media-types libc6 libssl3t64 libzstd1 libgcc-s1 libgomp1
    libstdc++6 gcc-14-base libbz2-1.0 libdb5.3t64 libexpat1 liblzma5 libsqlite3-0 libuuid1
    libncursesw6 libtinfo6 zlib1g libcom-err2 libcrypt1 libgssapi-krb5-2 libk5crypto3
    libkeyutils1 libkrb5-3 libkrb5support0 libnsl2 libreadline8t64 libtirpc3t64 libffi8
    libpython3.13-minimal libpython3.13-stdlib python3.13-minimal"

rm -rf debian distroless packages
trap 'rm -rf debian distroless packages' EXIT
debootstrap --variant=minbase trixie debian >debootstrap.log 2>&1 || { cat debootstrap.log; exit 1; }
mkdir debian/packages
chroot debian sh -c "apt-get -qq update && cd /packages && apt-get -qq -o APT::Sandbox::User=root download $(echo $packages)" >&2
mv debian/packages .
rm -rf debian/var/lib/apt/lists/* debian/var/cache/apt/*.bin
# Whoever this machine trusts, pip trusts in the build.
cp /etc/ssl/certs/ca-certificates.crt debian/authorities.pem
tar -C debian -c . | ./podman import --change 'ENV PIP_CERT=/authorities.pem' - localhost/debian

for folder in bin lib lib64 sbin; do
    mkdir -p "distroless/usr/$folder"
    ln -s "usr/$folder" "distroless/$folder"
done
for package in packages/*.deb; do
    dpkg-deb --fsys-tarfile "$package" | tar -C distroless -x --keep-directory-symlink
done
mkdir -p distroless/etc/ssl/certs
cp debian/etc/nsswitch.conf distroless/etc/ 2>/dev/null || echo "hosts: files dns" >distroless/etc/nsswitch.conf
cp /etc/ssl/certs/ca-certificates.crt distroless/etc/ssl/certs/
echo 'root:x:0:0:root:/root:/sbin/nologin' >distroless/etc/passwd
echo 'root:x:0:' >distroless/etc/group
ln -s python3.13 distroless/usr/bin/python3
ldconfig -r distroless
tar -C distroless -c . | ./podman import - localhost/distroless
